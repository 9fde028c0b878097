"""The command line: one thin command per public function. Words and options go in; a line, a file or a table comes out.

The commands are the table in commands.toml. Options, their types, defaults and help come from the signature and
the docstring of the function that a command calls, and from the fields of its settings. Only the chosen command
is imported and given a parser, so that `semeia --help` starts at once.

Exit codes: 0 done; 1 our bug; 2 what the user can mend; 130 Ctrl-C; 143 told to stop (SIGTERM).
"""

import difflib
import errno
import inspect
import os
import re
import signal
import sys
import threading
import tomllib
import traceback
from argparse import ArgumentError, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from semeia import __version__
from semeia.errors import InputError

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser

TABLE = Path(__file__).with_name("commands.toml")
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
    for name in "ENOENT EACCES EPERM EROFS ENOSPC EDQUOT EFBIG EEXIST ENOTDIR EISDIR ENAMETOOLONG EMFILE".split()
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
    fresh: bool = False
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


def parser_of(words: str, command: Command) -> "ArgumentParser":
    """The parser of one command; imports what the command calls."""
    from jsonargparse import ArgumentParser, DefaultHelpFormatter

    class Formatter(RawDescriptionHelpFormatter, DefaultHelpFormatter):
        """Examples keep their lines."""

    taken = _parameters(command)
    must = {name: value for name, value in taken.items() if value.default is value.empty}
    shown = [name.upper() if name in command.given else f"--{FLAGS.get(name, name)} {name.upper()}" for name in must]
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
    for name, parameter in taken.items():
        _add_option(parser, name, parameter, by_place=name in command.given)
    if command.settings:
        parser.add_class_arguments(_resolve(command.settings), skip=set(LISTS))
    return parser


def _parameters(command: Command) -> dict[str, inspect.Parameter]:
    """What the user gives, those by their place first; each with its type, and its help as the annotation's note."""
    function = _resolve(command.calls)
    docs = {p.arg_name: " ".join((p.description or "").split()) for p in parse_docstring(function.__doc__ or "").params}
    ...
