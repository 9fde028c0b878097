"""Run the command line: one thin command per public function.

The commands are a table, commands.toml; command_line.py makes their options. Only the chosen command is imported, so
that `semeia --help` starts at once.

Exit codes: 0 done; 1 our bug; 2 what the user can mend; 130 Ctrl-C; 143 told to stop (SIGTERM).
"""

import inspect
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
from semeia.command_line import COMMANDS, TABLE, Command, parse, resolve
from semeia.errors import InputError, how_to_mend, how_to_report, nearest, printable

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
        except Exception as error:
            mend = how_to_mend(error)
            _complain(mend or how_to_report(error, __version__))
            return 2 if mend else 1


def run(arguments: Sequence[str]) -> None:
    """Find the command, read its options, call its function, say what came of it."""
    words = next((w for w in (" ".join(arguments[:2]), *arguments[:1]) if w in COMMANDS), None)
    if words is None:
        print(_without_command(arguments))
        return
    call(COMMANDS[words], parse(words, arguments[len(words.split()) :]))


def _without_command(arguments: Sequence[str]) -> str:
    """What to print when no command was named; an InputError when one was mistyped."""
    first = arguments[0] if arguments else "--help"
    if first == "--version":
        return f"semeia {__version__}"
    group = [words for words in COMMANDS if words.startswith(f"{first} ")]
    if first in HELP or (group and (len(arguments) == 1 or arguments[1] in HELP)):
        listed = _listed(group) if group else "\n".join(f"{head}:\n{_listed(of)}" for head, of in headings().items())
        start = "Commands:" if group else TABLE["help"]
        return f"{start}\n{listed}\n`semeia COMMAND --help` explains one, with its options."
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


def call(command: Command, values: Mapping[str, object]) -> None:
    """Call what a command stands for; the result goes to standard output, what to do next to standard error."""
    function, out = resolve(command.calls), values.get("out")
    if isinstance(out, Path) and "out" not in inspect.signature(function).parameters:
        from semeia.report.terminal import table_writer

        write = table_writer(out)
        result = function(**{name: value for name, value in values.items() if name != "out"})
        write(result)
    else:
        result = function(**values)
    if command.says in ("table", "evaluation"):
        from semeia.report.terminal import print_evaluation, print_table

        (print_table if command.says == "table" else print_evaluation)(result)
    else:
        print(printable(command.says.format(result=result, rows=getattr(result, "height", ""), **values)))
    if command.then and not (command.unless and str(result).startswith(command.unless)):
        typed = {name: quoted(value) for name, value in {**values, "result": result}.items()}
        print(f"Next: {printable(command.then.format(**typed))}", file=sys.stderr)


def quoted(value: object) -> object:
    """A path or a word as it is typed in a shell; anything else as it is."""
    return shlex.quote(str(value)) if isinstance(value, Path | str) else value


def audit_archive(archive: Path) -> str:
    """Open an archive and audit it; the text for a terminal.

    Raises:
        InputError: The audit found errors; its text has been printed then.
    """
    from semeia.archive import audit, open_archive, to_text

    result = audit(open_archive(archive))
    text = to_text(result).rstrip()
    if result.clean:
        return text
    print(text)
    errors = sum(finding.severity == "error" for finding in result.findings)
    raise InputError(
        f"{archive}: the audit found {errors} kind(s) of error; mend them before anything is trained on it."
    )


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
