"""The command line: one thin command per public function. Words and options go in; a line, a file or a table comes out.

The commands are the table in commands.toml. Options, their types, defaults and help come from the signature and
the docstring of the function that a command calls, and from the fields of its settings. Only the chosen command
is imported and given a parser, so that `semeia --help` starts at once.

Exit codes: 0 done; 1 our bug; 2 what the user can mend; 130 Ctrl-C; 143 told to stop (SIGTERM).
"""

import errno
import inspect
import os
import signal
import sys
import tomllib
from argparse import ArgumentError, RawDescriptionHelpFormatter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, get_type_hints

from semeia import __version__
from semeia.errors import InputError

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser

TABLE = Path(__file__).with_name("commands.toml")
FROM_FILE = """

Lists are written [0,1]. Settings in a file: add --print_config > settings.yaml, change it, give it with --config."""
NOT_TYPED = ("settings", "out", "examples")  # parameters that are no options by themselves
LISTS = ("modalities", "references")  # options that take several words
FLAGS = {"references": "reference", "pattern": "cells"}  # parameter: what its option is called
# Help where the docstring of the function has none, the same in every command.
MEANINGS = {
    "archive": "folder of an archive, made by `semeia ingest`",
    "run": "run folder: made by `semeia study`, `demo`, `pretrain`, `finetune`, `evaluate` or `export`",
    "folder": "folder that the files are in",
    "predictions": "table (.csv, .tsv, .parquet) with at least the columns subject_id, label, score",
    "arm": "which model of the run, such as multimodal_jepa; `semeia study list RUN` names them",
    "mode": "how the model met the labels: none, frozen, finetune or probe_finetune",
    "fraction": "share of the labelled training patients that the model was fitted to, in (0, 1]",
    "outcome": "name of an outcome of the archive",
    "modalities": "what to use of the archive, such as: image reading (or image,reading); by default all there is",
    "references": "arms (ARM or ARM/MODE) to subtract from every other arm, paired by patient",
    "pretrained": "run folder of `semeia pretrain`; without it the model starts from scratch",
    "pattern": "names of the cells, * for anything, such as 'cells/image_jepa/*'",
    "seed": "number from which everything random follows",
    "seeds": "how many models to fit, each with other randomness",
    "skip_seen": "leave out patients that the model was fitted to, instead of refusing",
}
PATH = """\
Semeia pretrains on a hospital's unlabelled archive, fine-tunes on its few labels, and says honestly whether that helped.

See it work, on bundled CT nodules (10 minutes):
  semeia demo

Your own data, in three lines:
  semeia ingest nodules LIDC --into archives/lidc                  files become an archive
  semeia study nodule --archive archives/lidc --out runs/nodule    pretrain, fine-tune, compare, evaluate
  semeia report runs/nodule                                        one page to read
"""
# What the user can mend about a file or a disk; any other refusal of the operating system is ours to look into.
MENDABLE = frozenset(
    getattr(errno, name)
    for name in [
        "ENOENT",
        "EACCES",
        "EPERM",
        "EROFS",
        "ENOSPC",
        "EDQUOT",
        "EFBIG",
        "EEXIST",
        "ENOTDIR",
        "EISDIR",
        "ENAMETOOLONG",
        "EMFILE",
    ]
    if hasattr(errno, name)
)


@dataclass(frozen=True)
class Command:
    """One command; commands.toml says what the fields mean."""

    purpose: str
    calls: str
    example: str
    given: Sequence[str] = ()
    settings: str = ""
    out: str = ""
    default: str = ""
    says: str = "words"
    then: str = ""


def commands() -> dict[str, Command]:
    """The commands by their words, such as "ingest nodules"."""
    return {words: Command(**row) for words, row in tomllib.loads(TABLE.read_text(encoding="utf-8")).items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the words of the shell by default. Returns the exit code."""
    with _told_to_stop() as told:
        try:
            run(sys.argv[1:] if arguments is None else arguments)
            sys.stdout.flush()
            return 0
        except SystemExit as stop:  # --help and --print_config end so
            return stop.code if isinstance(stop.code, int) else 0
        except KeyboardInterrupt as stop:
            words = str(stop) or "stopped; nothing is left half-written"
            _complain(f"{words}. To go on, give the same command again.")
            return 143 if told or getattr(stop, "signal", None) == signal.SIGTERM else 130
        except BrokenPipeError:  # `semeia ... | head` has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 141
        except Exception as error:
            mend = _mendable(error)
            _complain(mend or _bug(error))
            return 2 if mend else 1


def run(arguments: Sequence[str]) -> None:
    """Find the command, parse its options, call its function, say what came of it."""
    table = commands()
    words = next((w for w in (" ".join(arguments[:2]), *arguments[:1]) if w in table), None)
    if words is None:
        print(_without_command(list(arguments), table))
        return
    options = parse(words, table[words], arguments[len(words.split()) :])
    _call(words, table[words], options)


def _without_command(arguments: list[str], table: Mapping[str, Command]) -> str:
    """What to print when no command was named; an InputError when one was mistyped."""
    known = list(dict.fromkeys(words.split()[0] for words in table))
    first = arguments[0] if arguments else "--help"
    if first == "--version":
        return f"semeia {__version__}"
    if first in ("-h", "--help", "help"):
        return f"{PATH}\nCommands:\n{_listed(table)}\n\n`semeia COMMAND --help` explains a command and its options."
    rest = [words for words in table if words.startswith(f"{first} ")]
    if not rest:
        raise InputError(f"there is no command '{first}'.{_nearest(first, known)} `semeia --help` lists them.")
    if len(arguments) == 1 or arguments[1] in ("-h", "--help"):
        return f"Commands:\n{_listed({words: table[words] for words in rest})}"
    second = f"{first} {arguments[1]}"
    raise InputError(f"there is no command '{second}'.{_nearest(second, rest)} `semeia {first}` lists them.")


def _listed(table: Mapping[str, Command]) -> str:
    return "\n".join(
        f"  semeia {words:<14} {command.purpose}\n{'':24}semeia {command.example}" for words, command in table.items()
    )


MUST = inspect.Parameter.empty


@dataclass(frozen=True)
class Option:
    """What the user gives for one parameter of a function; `start` is `MUST` where there is no default."""

    name: str
    kind: object
    start: object
    help: str

    @property
    def flag(self) -> str:
        """How it is written on the command line."""
        return f"--{FLAGS.get(self.name, self.name)}"


def options_of(command: Command) -> list[Option]:
    """What a command takes besides its settings, from the signature and docstring of what it calls."""
    from docstring_parser import parse as parse_docstring

    function = _resolve(command.calls)
    hints = get_type_hints(function)
    docs = {p.arg_name: " ".join((p.description or "").split()) for p in parse_docstring(function.__doc__ or "").params}
    found = []
    for name, parameter in inspect.signature(function).parameters.items():
        if name not in NOT_TYPED:
            may_lack = parameter.default is MUST and type(None) in get_args(hints[name])
            meaning = MEANINGS.get(name) if name in (*command.given, *LISTS) else docs.get(name) or MEANINGS.get(name)
            found.append(Option(name, hints[name], None if may_lack else parameter.default, meaning or ""))
    if command.settings and "references" in {f.name for f in fields(_resolve(command.settings))}:
        found.append(Option("references", tuple[str, ...], (), MEANINGS["references"]))
    if command.out:
        found.insert(len(command.given), Option("out", Path, Path(command.default) if command.default else MUST, command.out))
    return found


def parser_of(words: str, command: Command) -> "ArgumentParser":
    """The parser of one command; imports what the command calls."""
    from jsonargparse import ArgumentParser, DefaultHelpFormatter

    class Formatter(RawDescriptionHelpFormatter, DefaultHelpFormatter):
        """Examples keep their lines."""

    options = options_of(command)
    must = [option for option in options if option.start is MUST]
    shown = [o.name.upper() if o.name in command.given else f"{o.flag} {o.name.upper()}" for o in must]
    parser = ArgumentParser(
        prog=f"semeia {words}",
        usage=" ".join(["semeia", words, *shown, "[options]"]),
        description=command.purpose,
        epilog=f"Example:\n  semeia {command.example}{FROM_FILE if command.settings else ''}",
        formatter_class=Formatter,
        exit_on_error=False,
        allow_abbrev=False,
    )
    parser.add_argument("--config", action="config", help="YAML file with any of these options, by their names")
    for option in options:
        if option.name in command.given:
            parser.add_argument(option.name, type=Path, metavar=option.name.upper(), help=option.help)
        elif option.name in LISTS:
            parser.add_argument(option.flag, type=str, nargs="+", metavar="NAME", help=option.help)
        elif option.kind is bool:
            also = option.flag.replace("_", "-")
            parser.add_argument(option.flag, *{also} - {option.flag}, action="store_true", help=option.help)
        elif option in must:
            parser.add_argument(option.flag, type=option.kind, required=True, help=option.help)
        else:
            parser.add_argument(option.flag, type=option.kind, default=option.start, help=option.help)
    if command.settings:
        parser.add_class_arguments(_resolve(command.settings), skip=set(LISTS))
    return parser


def parse(words: str, command: Command, arguments: Sequence[str]) -> dict[str, object]:
    """The values for the parameters of what the command calls, settings among them."""
    parser = parser_of(words, command)
    try:
        given = parser.instantiate(parser.parse_args(list(arguments)))
    except ArgumentError as error:
        raise InputError(_one_line(words, str(error), list(parser.get_defaults().keys()))) from error
    values: dict[str, object] = {}
    for option in options_of(command):
        value = given[option.flag.removeprefix("--")]
        if option.name in LISTS:
            value = tuple(word for text in value for word in text.split(",") if word) if value else option.start
        values[option.name] = value
    if command.settings:
        kind = _resolve(command.settings)
        chosen = {f.name: values.pop(f.name) if f.name in LISTS else given[f.name] for f in fields(kind)}
        values["settings"] = kind(**chosen)
    return values


def _one_line(words: str, message: str, known: list[str]) -> str:
    """An error of the parser in the user's terms, with the nearest option where one was mistyped."""
    message = re.sub(r'Parser key "([^"]+)":\s*', r"--\1: ", message)
    message = re.sub(r"<class '([^']+)'>", r"\1", message).replace("typing.", "")
    wrong = re.search(r"(?:unrecognized arguments: |Option '|Key ')-*([\w.-]+)", message)
    hint = _nearest(wrong[1], known, "--") if wrong else ""
    return f"{words}: {message.rstrip('. ')}.{hint} `semeia {words} --help` lists the options."


def _nearest(typed: str, known: Sequence[str], before: str = "") -> str:
    near = difflib.get_close_matches(typed, known, n=1)
    return f" Did you mean {before}{near[0]}?" if near else ""


def _call(command: Command, values: dict[str, object]) -> None:
    """Call what the command stands for and say what came of it: the result on stdout, what to do next on stderr."""
    function = _resolve(command.calls)
    table = Path(str(values["out"])) if command.out and "out" not in inspect.signature(function).parameters else None
    if table:
        writing = writer_of(table)
        result = function(**{name: value for name, value in values.items() if name != "out"})
        writing(result)
    else:
        result = function(**values)
    _say(command.says, result, values)
    if command.then:
        print(f"Next: {command.then.format(result=result, **values)}", file=sys.stderr)


def writer_of(path: Path) -> Callable[["pl.DataFrame"], None]:
    """What writes a table to a path that must not exist, by its suffix; asked for before the work is begun."""
    from semeia.archive.atomic import replacing, write_parquet

    if path.exists():
        raise InputError(f"{path}: is there already and is not overwritten; name another file with --out.")
    if path.suffix == ".parquet":
        return lambda frame: write_parquet(path, frame)
    if path.suffix != ".csv":
        raise InputError(f"{path}: a table is written as .csv or .parquet; name such a file with --out.")

    def write_csv(frame: "pl.DataFrame") -> None:
        with replacing(path) as temporary:
            frame.write_csv(temporary)

    return write_csv


def _say(how: str, result: object, values: Mapping[str, object]) -> None:
    where = values.get("into") or values.get("out") or values.get("run")
    if how in ("table", "evaluation"):
        from semeia.report.terminal import print_table, short_results

        print_table(result if how == "table" else short_results(result.results))
        for note in getattr(result, "notes", ()):
            print(f"Note: {note}", file=sys.stderr)
    elif how == "rows":
        print(f"{where}: {len(result)} rows")
    ...


def audit_archive(archive: Path) -> str:
    """Open an archive and audit it; the text for a terminal."""
    from semeia.archive import audit, open_archive, to_text

    return to_text(audit(open_archive(archive))).rstrip()
