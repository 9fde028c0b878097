"""The command line: it teaches, starts at once, passes on what was typed, and ends with the right exit code."""

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
import yaml

from lidc_folder import write_lidc_folder
from prediction_tables import predictions
from semeia import __version__, cli, command_line
from semeia.errors import InputError
from semeia.learning.interrupt import Interrupted


def run(*words: object) -> int:
    return cli.main([str(word) for word in words])


def raising(error: BaseException):
    def work() -> str:
        raise error

    return work


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",), ("help",)])
def test_help_teaches(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]):
    assert run(*arguments) == 0

    text = capsys.readouterr().out
    assert text.startswith("Semeia pretrains")
    assert all(f"  semeia {words}" in text for words in ("demo", "ingest nodules", "study nodule", "report"))
    assert all(words in text and command.purpose in text for words, command in cli.COMMANDS.items())
    assert command_line.EVERYWHERE in text


def test_each_command_stands_under_one_heading():
    listed = [words for commands in cli.headings().values() for words in commands]
    assert sorted(listed) == sorted(cli.COMMANDS)


def test_help_of_a_command_is_short_and_help_all_is_whole(capsys: pytest.CaptureFixture[str]):
    assert run("finetune", "--help") == 0
    short = capsys.readouterr().out
    assert run("finetune", "--help", "all") == 0
    whole = capsys.readouterr().out
    assert "--fraction" in short
    assert "--finetuning.scratch.steps" not in short
    assert "--finetuning.scratch.steps" in whole
    assert len(short.splitlines()) < 60 < len(whole.splitlines())
    assert "semeia finetune --help all" in short


HEAVY = ("torch", "monai", "numba", "sklearn", "matplotlib", "duckdb")
HELP = "import sys; from semeia.cli import main; main(sys.argv[1:]); print(); print(*sys.modules)"


@pytest.mark.parametrize(
    ("arguments", "left_out"),
    [
        (["--help"], (*HEAVY, "numpy", "scipy", "polars", "jsonargparse")),
        (["evaluate", "--help"], HEAVY),
        (["ingest", "images", "--help"], (*HEAVY, "scipy")),
    ],
)
def test_help_imports_nothing_heavy(arguments: list[str], left_out: tuple[str, ...]):
    """What it takes to start is what it imports: a count, and no clock that a busy machine could turn."""
    done = subprocess.run([sys.executable, "-c", HELP, *arguments], check=True, capture_output=True, text=True)
    imported = set(done.stdout.splitlines()[-1].split())
    assert "semeia.cli" in imported
    assert not imported & set(left_out)


def test_version(capsys: pytest.CaptureFixture[str]):
    assert run("--version") == 0

    assert capsys.readouterr().out == f"semeia {__version__}\n"


@pytest.mark.parametrize("words", cli.COMMANDS)
def test_every_option_of_a_command_is_explained(words: str, capsys: pytest.CaptureFixture[str]):
    assert run(*words.split(), "--help") == 0

    text = capsys.readouterr().out
    assert text.startswith(f"usage: semeia {words}")
    assert cli.COMMANDS[words].purpose in text
    assert f"Example:\n  semeia {cli.COMMANDS[words].example}" in text
    assert command_line.EVERYWHERE in text
    assert all(option.help for option in command_line.options_of(cli.COMMANDS[words]))
    assert all(action.help for action in command_line.parser_of(words)._actions)


@pytest.mark.parametrize("words", cli.COMMANDS)
def test_the_example_of_a_command_can_be_typed(words: str):
    typed = shlex.split(cli.COMMANDS[words].example)

    assert typed[: len(words.split())] == words.split()
    assert set(command_line.parse(words, typed[len(words.split()) :])) >= set(cli.COMMANDS[words].given)


def test_every_command_stands_in_the_reference():
    page = (Path(__file__).parents[1] / "docs" / "reference" / "cli.md").read_text()

    for words, command in cli.COMMANDS.items():
        assert f"| `{words}` | {command.purpose} | `semeia {command.example}` |" in page


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("evaluat",), "there is no command 'evaluat'. Did you mean 'evaluate'?"),
        (("ingest", "nodule"), "there is no command 'ingest nodule'. Did you mean 'ingest nodules'?"),
        (
            ("evaluate", "p.csv", "--out", "x", "--drawz", "4"),
            "unrecognized arguments: --drawz 4. Did you mean '--draws'?",
        ),
        (("report",), "report: give RUNS."),
        (("audit",), "audit: give ARCHIVE."),
        (("embed", "r"), "embed: give --out, --archive, --arm."),
        (("evaluate", "p.csv", "--out", "x", "--draws", "many"), "--draws: expected int. Got value: many."),
        (("pretrain", "a", "--out", "b", "--optimiser.epoch", "4"), "Did you mean '--optimiser.epochs'?"),
        (("finetune", "a", "--outcome", "b", "--out", "c", "--optimiser.steps", "4"), "'--finetuning.scratch.steps'"),
        (("study", "nodule", "--archive", "a", "--seeds", "3"), "--seeds: expected a list, such as [0,1]."),
        (("predict", "r", "--out", "x.csv", "--archive", "a", "--fraction", "all"), "--fraction: not accepted: all."),
        (("pretrain", "a", "--out", "b", "--model.encoder.dim", "7"), "dim 7 must be a multiple of 8"),
        (("audit", "a", "--config", "absent.yaml"), "--config: File does not exist"),
    ],
)
def test_a_slip_of_the_fingers_is_one_line_and_code_2(
    typed: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
):
    assert run(*typed) == 2

    out, err = capsys.readouterr()
    assert said in err
    assert err.startswith("semeia: ")
    assert err.count("\n") == 1
    assert not out


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a: [", b"just words"])
def test_a_settings_file_that_is_none(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "c.yaml").write_bytes(content)

    assert run("audit", "a", "--config", tmp_path / "c.yaml") == 2

    assert capsys.readouterr().err.count("\n") == 1


def test_a_misspelt_setting_in_a_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "c.yaml").write_text("drawz: 3\n")

    assert run("evaluate", "p.csv", "--out", "x", "--config", tmp_path / "c.yaml") == 2

    assert "'drawz' is not accepted. Did you mean '--draws'?" in capsys.readouterr().err


@pytest.mark.parametrize("words", ["study nodule", "pretrain", "finetune", "evaluate"])
def test_printed_settings_can_be_given_again(words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    changed = {"evaluate": ["--draws", "300", "--covariate", "null"], "pretrain": ["--optimiser.epochs", "7"]}
    own = ["--pretraining.optimiser.epochs", "7"]
    required = [*(["there"] if cli.COMMANDS[words].given else ["--archive", "there"]), "--out", "here"]
    required += ["--outcome", "malignancy"] if words == "finetune" else []

    assert run(*words.split(), *required, *changed.get(words, own), "--print_config") == 0
    printed = capsys.readouterr().out
    (tmp_path / "settings.yaml").write_text(printed)
    assert run(*words.split(), "--config", tmp_path / "settings.yaml", "--print_config") == 0

    assert capsys.readouterr().out == printed
    assert yaml.safe_load(printed)["out"] == "here"
    assert command_line.parse(words, ["--config", str(tmp_path / "settings.yaml")]) == command_line.parse(
        words, [*required, *changed.get(words, own)]
    )


def test_settings_reach_the_study(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    from semeia.studies import nodule

    def study(archive: Path, *, out: Path, settings: nodule.NoduleSettings) -> Path:
        assert (archive, settings.seeds, settings.pretraining.optimiser.epochs) == (Path("a"), (0, 1), 3)
        assert settings.finetuning == nodule.NoduleSettings().finetuning
        return out / "report.html"

    monkeypatch.setattr(nodule, "nodule_study", study)

    assert run("study", "nodule", "--archive", "a", "--seeds", "[0, 1]", "--pretraining.optimiser.epochs", 3) == 0

    out, err = capsys.readouterr()
    assert out == "runs/nodule/report.html\n"
    assert err == "Next: open runs/nodule/report.html in a browser.\n"


@pytest.mark.parametrize("typed", [("image", "reading"), ("image,reading",)])
def test_modalities_by_space_or_comma_and_the_table_is_written(
    typed: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    from semeia.studies import predict as scoring

    def predict(
        run: Path, *, archive: Path, arm: str, modalities: tuple[str, ...] | None = None, skip_seen: bool = False
    ) -> pl.DataFrame:
        assert (modalities, skip_seen) == (("image", "reading"), True)
        return pl.DataFrame({"score": [0.5]})

    monkeypatch.setattr(scoring, "predict", predict)
    out = tmp_path / "predictions.csv"
    words = ("predict", "r", "--archive", "a", "--arm", "x", "--out", out, "--skip-seen", "--modalities", *typed)

    assert run(*words) == 0
    assert out.read_text() == "score\n0.5\n"
    assert run(*words) == 2


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (InputError("row 3: is\nempty"), 2, "semeia: row 3: is empty\n"),
        (FileNotFoundError(2, "No such file or directory", "x.csv"), 2, "semeia: x.csv: No such file or directory."),
        (PermissionError(13, "Permission denied", "runs"), 2, "semeia: runs: Permission denied."),
        (OSError(28, "No space left on device"), 2, "No space left on device"),
        (MemoryError(), 2, "not enough memory"),
        (KeyboardInterrupt(), 130, "To go on, give the same command again."),
        (Interrupted("stopped after step 3 of 9; saved in run"), 130, "saved in run. To go on, give the same command"),
        (Interrupted("stopped", signal=signal.SIGTERM), 143, "give the same command again."),
        (OSError(5, "Input/output error"), 1, "this is a bug in Semeia"),
        *((bug("CANARY-7"), 1, "this is a bug in Semeia") for bug in (KeyError, pl.exceptions.PanicException)),
    ],
)
def test_exit_codes(error: BaseException, code: int, said: str, calls, capsys: pytest.CaptureFixture[str]):
    calls(raising(error))

    assert run("work") == code

    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert "CANARY" not in err


def test_debug_shows_the_traceback_of_a_bug(calls, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("SEMEIA_DEBUG", "1")
    calls(raising(KeyError("what")))

    assert run("work") == 1

    assert "Traceback" in capsys.readouterr().err


def test_told_to_stop_by_a_cluster(calls):
    before = signal.getsignal(signal.SIGTERM)
    calls(lambda: os.kill(os.getpid(), signal.SIGTERM) or time.sleep(5))

    assert run("work") == 143
    assert signal.getsignal(signal.SIGTERM) is before


def test_output_closed_early_is_no_error(tmp_path: Path):
    program = f"{sys.executable} -m semeia --help | head -1; exit ${{PIPESTATUS[0]}}"

    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=False)

    assert done.returncode in (0, 141)
    assert not done.stderr


def test_from_a_folder_to_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.chdir(tmp_path)
    write_lidc_folder(tmp_path / "lidc", patients=4)
    predictions(seeds=1).write_csv("predictions.csv")

    assert run("ingest", "nodules", "lidc", "--into", "archive") == 0
    assert "4 subjects" in (said := capsys.readouterr()).out
    assert said.err == "Next: semeia audit archive\n"
    assert run("audit", "archive") == 0
    assert "Findings" in capsys.readouterr().out
    assert run("evaluate", "predictions.csv", "--out", "results", "--draws", 100, "--reference", "baseline") == 0

    out = capsys.readouterr().out
    assert out.splitlines()[0].split("\t") == ["cohort", "stratum", "arm", "minus", "metric", "value", "patients"]
    assert "baseline\tauroc\t" in out
    assert {path.name for path in Path("results").iterdir()} == {
        "checklists.html", "estimates.csv", "predictions.parquet", "report.html", "results.csv", "run.json", "tables",
    }  # fmt: skip
    assert run("report", "results") == 0


def test_the_mapping_template_is_accepted(tmp_path: Path):
    template = Path(__file__).parents[1] / "docs" / "how-to" / "own-images.yaml"

    values = command_line.parse("ingest images", ["--config", str(template)])

    assert (values["folder"], values["image"], values["unit"]) == (Path("scans"), "file", None)
