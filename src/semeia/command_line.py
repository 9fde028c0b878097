"""Make the parser of a command from its row in commands.toml, and read what a user gave.

Options, their types, defaults and help come from the signature and the docstring of the function that a command calls,
and from the fields of its settings. Only the chosen command is imported and given a parser.
"""

import inspect
import os
import re
import tomllib
from argparse import Action, ArgumentError, RawDescriptionHelpFormatter
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args, get_type_hints

from semeia.errors import InputError, nearest

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser

TABLE = tomllib.loads(Path(__file__).with_name("commands.toml").read_text(encoding="utf-8"))
FROM_FILE = """

Lists are written [0,1]. Settings in a file: add --print_config > settings.yaml, change it, give it with --config."""
EVERYWHERE = """With every command, at any place:
  --quiet                 say nothing on standard error but what went wrong
  --json                  print the result as one JSON object"""
MORE = """
Every setting of networks and training: semeia {} --help all"""
HIDDEN = ("out", "examples")  # parameters that are no options, or are added by themselves
LISTS = ("modalities", "references", "covariates", "named")  # options that take several words
FLAGS = {
    "references": "reference",
    "covariates": "covariate",
    "named": "map",
    "pattern": "cells",
    "settings": "finetuning",
}  # parameter: what its option is called
MUST = inspect.Parameter.empty


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
    says: str = "{result}"
    then: str = ""
    unless: str = ""


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

    @property
    def several(self) -> bool:
        """Whether it takes several paths by their place."""
        return self.kind == tuple[Path, ...]

    @property
    def shown(self) -> str:
        """What stands for its value in help: ARCHIVE; RUN for several runs."""
        return self.name.upper().removesuffix("S") if self.several else self.name.upper()


COMMANDS = {words: Command(**row) for words, row in TABLE["commands"].items()}


def options_of(command: Command) -> list[Option]:
    """What a command takes besides its settings, from the signature and docstring of what it calls."""
    from docstring_parser import parse as parse_docstring

    function = resolve(command.calls)
    hints, meanings = get_type_hints(function), TABLE["meanings"]
    docs = {p.arg_name: " ".join((p.description or "").split()) for p in parse_docstring(function.__doc__ or "").params}
    found = []
    for name, parameter in inspect.signature(function).parameters.items():
        if name in HIDDEN or (name == "settings" and command.settings):
            continue
        kind, start = hints[name], parameter.default
        group = next((one for one in (kind, *get_args(kind)) if isinstance(one, type) and is_dataclass(one)), None)
        if group:
            kind, start = group, group()
        elif start is MUST and type(None) in get_args(kind):
            start = None
        ours = name in (*command.given, *LISTS)
        found.append(Option(name, kind, start, (not ours and docs.get(name)) or meanings.get(name, "")))
    listed = [name for name in LISTS if name in _names(command.settings)]
    found += [Option(name, tuple[str, ...], (), meanings[name]) for name in listed]
    if command.out:
        own = inspect.signature(function).parameters.get("out")
        optional = own is not None and own.default is None
        start = Path(command.default) if command.default else None if optional else MUST
        found.insert(len(command.given), Option("out", Path | None if optional else Path, start, command.out))
    return found


def parser_of(words: str, *, every: bool = True) -> "ArgumentParser":
    """The parser of one command; imports what the command calls.

    Args:
        words: of the command.
        every: whether help lists the settings inside settings (--finetuning.scratch.steps), too.
    """
    from jsonargparse import ArgumentParser, DefaultHelpFormatter

    class Formatter(RawDescriptionHelpFormatter, DefaultHelpFormatter):
        """Examples keep their lines, and a path is called a path."""

        def format_help(self) -> str:
            return re.sub(r"<class\s+'Path'>", "path", super().format_help())

        def start_section(self, heading: str | None) -> None:
            self.inside = True
            super().start_section(heading)

        def end_section(self) -> None:
            self.inside = False
            super().end_section()

        def add_text(self, text: str | None) -> None:
            if every or not getattr(self, "inside", False):  # what heads a group of which nothing is listed
                super().add_text(text)

        def add_argument(self, action: Action) -> None:
            if every or "." not in action.dest:
                super().add_argument(action)

    command = COMMANDS[words]
    options = options_of(command)
    must = [option for option in options if option.start is MUST]
    tunable = command.settings or any(option.name == "settings" for option in options)
    places = {o.name: f"{o.shown}..." if o.several else o.shown for o in must}
    shown = [places[o.name] if o.name in command.given else f"{o.flag} {o.shown}" for o in must]
    more = (FROM_FILE + ("" if every else MORE.format(words))) if tunable else ""
    parser = ArgumentParser(
        prog=f"semeia {words}",
        usage=" ".join(["semeia", words, *shown, "[options]"]),
        description=command.purpose,
        epilog=f"Example:\n  semeia {command.example}{more}\n\n{EVERYWHERE}",
        formatter_class=Formatter,
        exit_on_error=False,
        allow_abbrev=False,
    )
    parser.add_argument("--config", action="config", help="YAML file with any of these options, by their names")
    for option in options:
        _add(option, parser, by_place=option.name in command.given)
    if command.settings:
        settings = cast(type, resolve(command.settings))
        switches = {one.name for one in fields(settings) if one.default is False}
        parser.add_class_arguments(settings, skip={*LISTS, *switches})
        for option in _switches(settings, switches):
            dashed = {option.flag.replace("_", "-")} - {option.flag}
            parser.add_argument(
                option.flag, *dashed, type=bool, nargs="?", const=True, default=False, metavar="true", help=option.help
            )
    return parser


def _switches(settings: type, names: Collection[str]) -> list[Option]:
    """The settings that are off by default: --name turns one on, as --name true does."""
    from docstring_parser import parse as parse_docstring

    docs = {p.arg_name: " ".join((p.description or "").split()) for p in parse_docstring(settings.__doc__ or "").params}
    return [Option(name, bool, False, docs.get(name, "")) for name in sorted(names)]


def _add(option: Option, parser: "ArgumentParser", *, by_place: bool) -> None:
    dashed = {option.flag.replace("_", "-")} - {option.flag}
    if by_place:
        nargs = "+" if option.several else None
        parser.add_argument(option.name, type=Path, nargs=nargs, metavar=option.shown, help=option.help)
    elif option.name in LISTS:
        parser.add_argument(option.flag, type=str, nargs="+", metavar="NAME", help=option.help)
    elif option.kind is bool:
        parser.add_argument(option.flag, *dashed, action="store_true", help=option.help)
    elif option.start is MUST:
        parser.add_argument(option.flag, *dashed, type=option.kind, required=True, help=option.help)
    else:
        parser.add_argument(option.flag, *dashed, type=option.kind, default=option.start, help=option.help)


def parse(words: str, arguments: Sequence[str]) -> dict[str, object]:
    """The values for the parameters of what a command calls, settings among them."""
    every = list(arguments[:2]) == ["--help", "all"]
    command, parser = COMMANDS[words], parser_of(words, every=every)
    arguments = _in_place(command, arguments)
    _check_files(arguments)
    try:
        given = parser.instantiate(parser.parse_args(list(arguments)))
    except (ArgumentError, UnicodeDecodeError) as error:  # the latter: a --config that is no text
        line = _one_line(words, str(error), list(parser.get_defaults().keys()))
        dashed = [word for word in arguments if word.startswith("-") and os.path.exists(word)]
        mend = "".join(f" The file {word} begins with a dash: write ./{word}." for word in dashed)
        raise InputError(line + mend) from error
    values: dict[str, object] = {}
    for option in options_of(command):
        value = given[option.flag.removeprefix("--")]
        if option.several:
            value = tuple(value)
        elif option.name in LISTS:
            value = tuple(word for text in value for word in text.split(",") if word) if value else option.start
        values[option.name] = value
    if command.settings:
        own = {name: values.pop(name) if name in LISTS else given[name] for name in _names(command.settings)}
        values["settings"] = resolve(command.settings)(**own)
    return values


def _in_place(command: Command, arguments: Sequence[str]) -> list[str]:
    """Take what a command is given by its place also by its name, --archive ARCHIVE."""
    flags = {f"--{name}" for name in command.given}
    for at, word in enumerate(arguments):
        flag, equals, value = word.partition("=")
        if flag in flags:
            values = [value] if equals else list(arguments[at + 1 : at + 2])
            return [*values, *arguments[:at], *arguments[at + (1 if equals else 2) :]]
    return list(arguments)


def _check_files(arguments: Sequence[str]) -> None:
    """Refuse pipes and devices, which may never end, and YAML that stands for more than it is, before it is parsed."""
    from semeia.archive.small_file import MEGABYTE, parse_yaml, read_text, require_regular

    for before, word in zip(("", *arguments), arguments, strict=False):
        flag, _, value = word.partition("=") if word.startswith("--") else (before, "", word)
        path, there = Path(value), False
        with suppress(OSError, ValueError):  # a value that cannot be a path
            there = path.exists() and not path.is_dir()
        if there:
            require_regular(path)
            if flag == "--config" or path.suffix in (".yaml", ".yml"):
                parse_yaml(read_text(path, most=MEGABYTE), where=value)


def resolve(name: str) -> Callable:
    """What "module:name" stands for."""
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)


def _names(settings: str) -> list[str]:
    """The fields of a settings class given as "module:class"; none for an empty name."""
    return [field.name for field in fields(resolve(settings))] if settings else []  # pyright: ignore[reportArgumentType]


def _one_line(words: str, message: str, known: Sequence[str]) -> str:
    """An error of the parser in the user's terms, with the nearest option where one was mistyped."""
    message = re.sub(r'Parser key "([^"]+)":\s*', r"--\1: ", message)
    message = re.sub(r"Does not validate.*Given value:", "not accepted:", message, flags=re.DOTALL)
    message = re.sub(r"Expected an? (?:<class ')?([^'.]+)(?:'>)?\.", r"expected \1.", message.replace("typing.", ""))
    message = message.replace("expected tuple.", "expected a list, such as [0,1].")
    if "arguments are required: " in message:
        names = message.partition("required: ")[2].split(", ")
        message = "give " + ", ".join(n.upper() if n in COMMANDS[words].given else f"--{n}" for n in names)
    wrong = re.search(r"(?:unrecognized arguments: |Option '|Key ')-*([\w.-]+)", message)
    hint = nearest(wrong[1], known, "--") if wrong else ""
    lone = re.search(r"unrecognized arguments: ([^-]\S*)", message)
    must = [one.flag for one in options_of(COMMANDS[words]) if one.start is MUST and one.name != "out"]
    if lone and must and not COMMANDS[words].given:
        hint = f" Did you mean '{must[0]} {lone[1].rstrip('.')}'?"
    return f"{words}: {message.rstrip('. ')}.{hint} `semeia {words} --help` lists the options."
