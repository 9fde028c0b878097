"""Run the command line: one thin command per public function.

The commands are a table, commands.toml; command_line.py makes their options. Only the chosen command is imported, so
that `semeia --help` starts at once.

Exit codes: 0 done; 1 our bug; 2 what the user can mend; 130 Ctrl-C; 143 told to stop (SIGTERM).
"""

import inspect
import json
import os
import shlex
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from semeia import __version__
from semeia.command_line import COMMANDS, EVERYWHERE, TABLE, Command, parse, resolve
from semeia.errors import InputError, how_to_mend, how_to_report, nearest, printable
from semeia.progress import shown

HELP = ("-h", "--help", "help")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the words of the shell by default. Returns the exit code."""
    with _told_to_stop() as told, _private_files():
        try:
            run(list(sys.argv[1:] if arguments is None else arguments))
            sys.stdout.flush()
            return 0
        except SystemExit as stop:  # --help and --print_config end so
            return stop.code if isinstance(stop.code, int) else 0
        except KeyboardInterrupt as stop:
            _complain(f"{str(stop) or 'stopped; no file is half-written'}. To go on, give the same command again.")
            return 143 if told or getattr(stop, "signal", None) == signal.SIGTERM else 130
        except BrokenPipeError:  # `semeia ... | head` has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 141
        except BaseException as error:
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":  # which polars raises
                raise
            mend = how_to_mend(error)
            _complain(mend or how_to_report(error, __version__))
            return 2 if mend else 1


def run(arguments: Sequence[str]) -> None:
    """Find the command, read its options, call its function, say what came of it."""
    flags = {word for word in arguments if word in ("--quiet", "--json")}
    arguments = [word for word in arguments if word not in flags]
    words = next((w for w in (" ".join(arguments[:2]), *arguments[:1]) if w in COMMANDS), None)
    if words is None:
        print(_without_command(arguments))
        return
    quiet = "--quiet" in flags
    with shown(quiet=quiet):
        values = parse(words, arguments[len(words.split()) :])
        result = call(COMMANDS[words], values)
        put_out(words, values, result, as_json="--json" in flags)
        if not quiet:
            say_next(COMMANDS[words], values, result)
    if problem := getattr(result, "problem", ""):  # of an audit: put out first, then refused
        raise InputError(f"{values['archive']}: {problem}")


def _without_command(arguments: Sequence[str]) -> str:
    """What to print when no command was named; an InputError when one was mistyped."""
    first = arguments[0] if arguments else "--help"
    if first == "--version":
        return f"semeia {__version__}"
    group = [words for words in COMMANDS if words.startswith(f"{first} ")]
    if first in HELP or (group and (len(arguments) == 1 or arguments[1] in HELP)):
        listed = _listed(group) if group else "\n".join(f"{head}:\n{_listed(of)}" for head, of in headings().items())
        start = "Commands:" if group else TABLE["help"]
        return f"{start}\n{listed}\n{EVERYWHERE}\n\n`semeia COMMAND --help` explains one, with its options."
    typed = f"{first} {arguments[1]}" if group else first
    known = group or list(dict.fromkeys(words.split()[0] for words in COMMANDS))
    raise InputError(f"there is no command '{typed}'.{nearest(typed, known)} `semeia --help` lists the commands.")


def headings() -> dict[str, list[str]]:
    """Give the commands under each heading of `semeia --help`; a command named by both its words stands there alone."""
    whole = {words: head for head, named in TABLE["headings"].items() for words in named}
    listed: dict[str, list[str]] = {head: [] for head in TABLE["headings"]}
    for words in COMMANDS:
        listed[whole.get(words) or whole[words.split()[0]]].append(words)
    return listed


def _listed(commands: Sequence[str]) -> str:
    return "".join(f"  {words:<22}  {COMMANDS[words].purpose}\n" for words in commands)


def call(command: Command, values: Mapping[str, object]) -> object:
    """Call what a command stands for; a table that it returns is written where `--out` says."""
    function, out = resolve(command.calls), values.get("out")
    if not isinstance(out, Path) or "out" in inspect.signature(function).parameters:
        return function(**values)
    from semeia.report.terminal import table_writer

    write = table_writer(out)
    result = function(**{name: value for name, value in values.items() if name != "out"})
    write(result)
    return result


def put_out(words: str, values: Mapping[str, object], result: object, *, as_json: bool) -> None:
    """Put the result on standard output: as JSON, as a table, or in words."""
    command, rows = COMMANDS[words], getattr(result, "height", None)
    if as_json:
        from semeia.report.terminal import facts

        there = {name: str(values[name]) for name in ("out", "into") if values.get(name)}
        brief = {"rows": rows} if rows is not None and command.says != "table" else facts(result)
        print(json.dumps({"command": words, **there, "result": brief}, allow_nan=False))
    elif command.says == "table":
        from semeia.report.terminal import print_result

        print_result(result)
    else:
        print(printable(command.says.format(result=result, rows=rows, **values)))


def say_next(command: Command, values: Mapping[str, object], result: object) -> None:
    """Say on standard error what to do next."""
    if command.then and not (command.unless and str(result).startswith(command.unless)):
        typed = {name: quoted(value) for name, value in {**values, "result": result}.items()}
        print(f"Next: {printable(command.then.format(**typed))}", file=sys.stderr)


def quoted(value: object) -> object:
    """A path or a word as it is typed in a shell; anything else as it is."""
    return shlex.quote(str(value)) if isinstance(value, Path | str) else value


def _complain(words: str) -> None:
    print(f"semeia: {printable(' '.join(words.split()))}", file=sys.stderr)


@contextmanager
def _private_files() -> Iterator[None]:
    """Make every file and folder that a command makes its owner's alone; what is in them comes from patients."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def _told_to_stop() -> Iterator[list[int]]:
    """Turn SIGTERM into a KeyboardInterrupt, so that what is begun is saved; the list says that it came."""
    told: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield told
        return

    def hear(number: int, frame: FrameType | None) -> None:
        told.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, hear)
    try:
        yield told
    finally:
        signal.signal(signal.SIGTERM, before)
