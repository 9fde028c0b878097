"""Kill every long command and give it again: the same files must be there as after a run that nobody disturbed.

    python tools/faults.py                  20 kills over all commands, and the other faults; about ten minutes
    python tools/faults.py --every-write    before and after each write of each command; hours
    python tools/faults.py --every-write --only "study own" --keep FOLDER    one of them; given again, it goes on

Small made-up inputs. A kill is SIGKILL of the command and all its processes, at a random moment or at one of its
writes. With --every-write the command runs once, and at each moment around a write its folder is copied as it stands,
which is what a kill at that moment leaves; the same command then goes on from each different copy. At a few moments
it is killed all the same, and must leave the files of the copy. The other faults: no room left on the disk, a folder
that cannot be written to, a second process in the same folder, a clock that jumped, a worker process that is killed.
A fault must end in exit code 2 and one line, and the same command again must give the same bytes. Prints a table;
exits with 1 where anything else came out. Linux only.
"""

import argparse
import contextlib
import ctypes
import hashlib
import itertools
import json
import os
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("POLARS_MAX_THREADS", "1")  # a thread would not survive the fork

import numpy as np
import polars as pl

NETWORK = (
    "--model.image patches --model.crop.voxels [1,32,32] --model.crop.patch [1,8,8] --model.encoder.dim 16 "
    "--model.encoder.depth 1 --model.encoder.heads 2 --optimiser.steps 12 --optimiser.batch 8 --loop.save_every 3 "
    "--loop.log_every 1"
)
OF_STUDY = NETWORK.replace("--model", "--pretraining.model").replace("--opt", "--pretraining.opt")
OF_STUDY = OF_STUDY.replace("--loop", "--pretraining.loop")
STEPS = "--finetuning.scratch.steps 6 --finetuning.pretrained.steps 6 --finetuning.loop.save_every 2"
# An arm that is pretrained, in its three modes, and one that is not: the others are written by the same code.
SMALL = "--seeds [0] --fractions [1.0] --draws 100 --workers 1"
COMMANDS = {
    "ingest images": "ingest images png --table t.csv --image file --subject patient --label label --key key "
    "--into OUT",
    "ingest nodules": "ingest nodules nodule_files --key key --into OUT",
    "ingest meds": "ingest meds meds --key key --into OUT",
    "signatures fit": "signatures fit records --out OUT --components 2 --least_patients 5 --at_least 300 --draws 1 "
    "--starts 1",
    "pretrain": f"pretrain images --out OUT {NETWORK}",
    "finetune": f"finetune images --pretrained encoder --outcome label --out OUT {STEPS}",
    "study own": f"study own images --outcome label --out OUT {SMALL} --arms [image_jepa,image_components] "
    f"{OF_STUDY} {STEPS}",
    "study nodule": f"study nodule --archive nodules --out OUT {SMALL} --arms [multimodal_jepa,diameter] "
    f"--folds 2 --pretraining.model.crop.voxels [16,16,16] --pretraining.model.crop.voxel_mm [2.0,2.0,2.0] "
    f"--pretraining.model.crop.patch [4,2,2] {OF_STUDY.partition('[1,8,8] ')[2]} {STEPS}",
    "evaluate": "evaluate p.csv --out OUT --draws 100",
}
MADE_FROM = {"images": "ingest images", "nodules": "ingest nodules", "records": "ingest meds", "encoder": "pretrain"}
NEEDS = {"signatures fit": ["ingest meds"], "pretrain": ["ingest images"], "study own": ["ingest images"]}
NEEDS["study nodule"] = ["ingest nodules"]
NEEDS["finetune"] = ["ingest images", "pretrain"]
# What a command says of when and how it was run, and nothing of what it found.
REAL_KILLS = 3  # moments of --every-write at which the command is killed, too
CLOCK = re.compile(rb'"(created|wall_seconds|peak_rss_mb|sittings|seconds)"')


def make_inputs(folder: Path) -> None:
    """Write pictures with labels, a record in MEDS, a table of predictions and a key."""
    from PIL import Image

    rng = np.random.default_rng(0)
    (folder / "png").mkdir()
    rows = []
    for number in range(40):
        label = number % 2
        pixels = rng.normal(90 + 40 * label, 25, (32, 32)).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / "png" / f"{number}.png")
        rows.append({"file": f"{number}.png", "patient": f"P-{number:03d}", "label": label})
    pl.DataFrame(rows).write_csv(folder / "t.csv")
    (folder / "key").write_text("ab" * 32)
    (folder / "key").chmod(0o600)
    few_nodules(folder / "nodule_files")
    (folder / "meds" / "data").mkdir(parents=True)
    codes = ["LAB//A//mg/dL", "LAB//B//mg/dL", "DIAGNOSIS//ICD//10//E119", "DIAGNOSIS//ICD//10//I10", "LAB//C//mg/dL"]
    days = pl.datetime_range(pl.datetime(2020, 1, 1), pl.datetime(2020, 12, 1), "40d", eager=True)
    events = pl.DataFrame({"subject_id": range(30)}).join(pl.DataFrame({"time": days}), how="cross")
    events = events.join(pl.DataFrame({"code": codes}), how="cross")
    events = events.filter(pl.Series(rng.random(len(events)) < 0.5))
    value = pl.Series(rng.normal(5, 1, len(events)), dtype=pl.Float32)
    events = events.with_columns(numeric_value=pl.when(pl.col("code").str.starts_with("LAB")).then(value))
    events.write_parquet(folder / "meds" / "data" / "0.parquet")
    label = rng.random(200) < 0.4
    score = 1 / (1 + np.exp(-rng.normal(label * 1.0, 1)))
    who = [f"s{number // 2}" for number in range(200)]
    pl.DataFrame({"subject_id": who, "label": label.astype(int), "score": score}).write_csv(folder / "p.csv")


def few_nodules(folder: Path) -> None:
    """Copy the first 24 patients of the bundled sample with GE scanners, and the first 8 with others."""
    from semeia.sample import sample_folder

    folder.mkdir()
    nodules = pl.read_csv(sample_folder() / "nodules.csv", infer_schema=False)
    patients = nodules.filter(pl.col("manufacturer") != "").unique("patient_id", keep="first", maintain_order=True)
    inside = pl.col("manufacturer").str.starts_with("GE")
    few = pl.concat([patients.filter(inside).head(24), patients.filter(~inside).head(8)])["patient_id"]
    nodules.filter(pl.col("patient_id").is_in(few.implode())).write_csv(folder / "nodules.csv")
    for patient in few:
        shutil.copytree(sample_folder() / patient, folder / patient)


@dataclass
class Ended:
    """How a command ended: its exit code (minus a signal's number), and what it said on standard error."""

    code: int
    words: str

    @property
    def refused(self) -> bool:
        """Whether it ended as a fault should: exit code 2, and one line of our own at the end."""
        lines = [line for line in self.words.splitlines() if line.startswith("semeia: ")]
        return self.code == 2 and len(lines[-1:]) == 1 and "Traceback" not in self.words


class Running:
    """A command in a process of its own, forked from this one, which has everything imported."""

    def __init__(self, words: list[str], *, before: Callable[[], None] = lambda: None) -> None:
        self.words = tempfile.TemporaryFile()  # noqa: SIM115 (read when the process has ended)
        self.pid = os.fork()
        if self.pid:
            return
        os.setsid()
        with open(os.devnull, "wb") as nothing:
            os.dup2(nothing.fileno(), 1)
        os.dup2(self.words.fileno(), 2)
        code = 1
        try:
            before()
            from semeia.cli import main

            code = main(words)
        finally:
            os._exit(code)

    def wait(self, seconds: float = 3600) -> Ended:
        """Wait for its end; one that takes too long is killed."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.words.seek(0)
                return Ended(os.waitstatus_to_exitcode(status), self.words.read().decode(errors="replace"))
            time.sleep(0.01)
        self.kill()
        return Ended(-signal.SIGALRM, f"took more than {seconds:g} s")

    def kill(self) -> None:
        """End it and all its processes as a power cut would."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


def run(words: list[str], *, before: Callable[[], None] = lambda: None) -> Ended:
    """Run a command to its end."""
    return Running(words, before=before).wait()


@dataclass
class Case:
    """A command with what it should give.

    Attributes:
        name: of the command.
        folder: where its inputs are.
        expected: by the path of each file a hash of it, after a run that nobody disturbed.
        seconds: which that took.
        writes: how many moments before and after a flush or rename of a file there were.
    """

    name: str
    folder: Path
    expected: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    writes: int = 0

    def words(self, out: Path) -> list[str]:
        """Its words with a folder to write to."""
        return [str(out) if word == "OUT" else word for word in COMMANDS[self.name].split()]

    def undisturbed(self, out: Path) -> str:
        """Run it in peace, twice; what is wrong, or nothing. What an earlier call has done in this folder is kept."""
        count, known = out.with_name(f"{out.name}-count"), out.with_name(f"{out.name}.json")
        if known.exists():
            self.seconds, self.writes = json.loads(known.read_text())
            self.expected = content(out)
            return ""
        begun = time.monotonic()
        ended = run(self.words(out))
        self.seconds, self.expected = time.monotonic() - begun, content(out)
        if ended.code:
            return f"ends with {ended.code} undisturbed: {ended.words.strip()[-300:]}"
        run(self.words(count), before=lambda: at_write(-1, count.with_suffix(".writes")))
        self.writes = int(count.with_suffix(".writes").read_text())
        known.write_text(json.dumps([self.seconds, self.writes]))
        return self.differs(count, "a second run in peace")

    def differs(self, out: Path, what: str) -> str:
        """Which files are not those of an undisturbed run, in words."""
        found = content(out)
        names = [n for n in sorted(found.keys() | self.expected.keys()) if found.get(n) != self.expected.get(n)]
        return f"{what}: {len(names)} files differ, the first is {names[0]}" if names else ""

    def again(self, out: Path, what: str) -> str:
        """Give the command again after a fault; what is wrong, or nothing."""
        ended = run(self.words(out))
        if ended.code:
            return f"{what}: the same command again ends with {ended.code}: {ended.words.strip()[-300:]}"
        return self.differs(out, what)


def content(folder: Path) -> dict[str, str]:
    """Hashes of the files of a folder; lines of JSON that tell the time are left out, and so is the page's."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "cache" not in path.relative_to(folder).parts:
            name = re.sub(r"\.[0-9a-f]{8}(?=\.partial$)", "", str(path.relative_to(folder)))  # drawn anew each time
            found[name] = hashlib.sha256(without_clock(path)).hexdigest()
    return found


def without_clock(path: Path) -> bytes:
    """The bytes of a file without what says when, how often and how fast it was made."""
    data = path.read_bytes()
    if path.name == "run.json":
        return json.dumps(timeless(json.loads(data))).encode()
    if path.suffix == ".json":
        return b"\n".join(line for line in data.split(b"\n") if not CLOCK.search(line))
    if path.suffix == ".html":
        return re.sub(rb"<dt>(Time|Peak memory)</dt><dd>[^<]*", b"", data)
    return data


def timeless(value: object) -> object:
    """What JSON holds, without the clock's names at any depth."""
    if isinstance(value, dict):
        return {name: timeless(inner) for name, inner in value.items() if not CLOCK.fullmatch(f'"{name}"'.encode())}
    return [timeless(inner) for inner in value] if isinstance(value, list) else value


def at_write(number: int, counted: Path | None = None) -> None:
    """Have this process killed before (even) or after (odd) the write of that number; -1 only counts the moments."""

    def reached(moment: int) -> None:
        if moment == number:
            os.killpg(os.getpid(), signal.SIGKILL)
        if counted is not None:
            counted.write_text(str(moment + 1))

    around_writes(reached)


def around_writes(reached: Callable[[int], None]) -> None:
    """Call `reached` with 0, 1, 2 ... before and after each flush or rename of this process."""
    moments = itertools.count()

    def around(real: Callable) -> Callable:
        def call(*arguments: object, **options: object) -> object:
            reached(next(moments))
            result = real(*arguments, **options)
            reached(next(moments))
            return result

        return call

    os.replace, os.fsync = around(os.replace), around(os.fsync)


def copies(case: Case, trial: Path, kept: Path) -> dict[int, list[int]]:
    """Run the command once and keep its folder as it stands around each write.

    Returns:
        The moments that left the same files, by the first of them, which names the copy.
    """
    listed = kept / "moments.json"
    if not listed.exists():
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(parents=True)
        known: dict[str, int] = {}
        same: dict[int, list[int]] = {}

        def reached(moment: int) -> None:
            state = raw(trial)
            if state not in known:
                known[state] = moment
                shutil.copytree(trial, kept / str(moment), symlinks=True)
            same.setdefault(known[state], []).append(moment)
            (kept / "reached.json").write_text(json.dumps(same))

        run(case.words(trial / "out"), before=lambda: around_writes(reached))
        (kept / "reached.json").rename(listed)
    return {int(first): moments for first, moments in json.loads(listed.read_text()).items()}


def raw(folder: Path) -> str:
    """A hash of every name and byte in a folder."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        found.update(f"{path.relative_to(folder)}\0{path.stat().st_size if path.is_file() else 'folder'}\0".encode())
        if path.is_file():
            found.update(path.read_bytes())
    return found.hexdigest()


def every_write(case: Case, folder: Path, given: argparse.Namespace) -> tuple[int, int, list[str]]:
    """Go on from the folder as it stood at each N-th moment of a write.

    Returns:
        How many moments were tried, how many of them ended in the same bytes, and what went wrong.
    """
    kept = folder / "copies" / case.name.replace(" ", "-")
    same = copies(case, fresh(folder).parent, kept)
    tried = json.loads((kept / "tried.json").read_text()) if (kept / "tried.json").exists() else {}
    order = list(same)
    random.Random(given.seed).shuffle(order)  # what is done so far is a fair sample, too
    order = order[:: given.every_write]
    for count, first in enumerate(order):
        if str(first) in tried:
            continue
        print(f"{case.name}: {count} of {len(order)} copies, {case.writes} moments", file=sys.stderr, flush=True)
        problem = ""
        if count < REAL_KILLS:
            out = fresh(folder)
            run(case.words(out), before=lambda at=first: at_write(at))
            if content(out.parent) != content(kept / str(first)):
                problem = f"a real kill at write {first} leaves other files than its copy"
        out = fresh(folder)
        shutil.copytree(kept / str(first), out.parent, symlinks=True, dirs_exist_ok=True)
        tried[str(first)] = problem or case.again(out, f"killed at write {first} of {case.writes}")
        (kept / "tried.json").write_text(json.dumps(tried))
    fine = [first for first in order if not tried[str(first)]]
    wrong = [tried[str(first)] for first in order if tried[str(first)]]
    return sum(len(same[first]) for first in order), sum(len(same[first]) for first in fine), wrong


def killed(case: Case, out: Path, rng: random.Random) -> str:
    """Kill at a random moment, or at a random write."""
    if rng.random() < 0.5 and case.writes:
        number = rng.randrange(case.writes)
        run(case.words(out), before=lambda: at_write(number))
        return case.again(out, f"killed at write {number} of {case.writes}")
    moment = rng.random() * case.seconds
    running = Running(case.words(out))
    time.sleep(moment)
    running.kill()
    return case.again(out, f"killed after {moment:.2f} s")


def full_disk(case: Case, out: Path, rng: random.Random) -> str:
    """No file may grow beyond a few kilobytes: the system says so as it would of a full disk."""
    most = rng.choice([0, 500, 3000])

    def before() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    with tempfile.TemporaryFile() as words:
        ended = run_with_own_words(case.words(out), words, before)
    return said(ended, f"files of at most {most} bytes") or case.again(out, "after a full disk")


def run_with_own_words(words: list[str], kept: object, before: Callable[[], None]) -> Ended:
    """Run a command whose own messages go through a pipe: the limit on files would cut them off, too."""
    read, write = os.pipe()

    def through_pipe() -> None:
        os.dup2(write, 2)
        before()

    running = Running(words, before=through_pipe)
    os.close(write)
    with os.fdopen(read, "rb") as stream:
        said = stream.read()
    return Ended(running.wait().code, said.decode(errors="replace"))


def read_only(case: Case, out: Path, rng: random.Random) -> str:
    """The folder above may not be written to; the superuser gives up the right to do so all the same."""
    out.parent.chmod(0o500)
    try:
        ended = run(case.words(out), before=as_anybody)
    finally:
        out.parent.chmod(0o700)
    return said(ended, "a read-only folder") or case.again(out, "after a read-only folder")


def as_anybody() -> None:
    """Give up the superuser's right to pass over permissions (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH)."""
    libc = ctypes.CDLL(None, use_errno=True)
    header, data = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    libc.capget(header, data)
    for at in (0, 1):  # effective and permitted, of the first 32 capabilities
        data[at] &= ~0b110
    libc.capset(header, data)


def two_at_once(case: Case, out: Path, rng: random.Random) -> str:
    """A second process with the same command while the first is at work: refused, or both give the same."""
    first = Running(case.words(out))
    time.sleep(case.seconds * (0.2 + 0.6 * rng.random()))
    second = run(case.words(out))
    ended = first.wait()
    what = "two at once"
    if second.code and not second.refused:
        return f"{what}: the second ends with {second.code}: {second.words.strip()[-300:]}"
    if ended.code and not ended.refused:
        return f"{what}: the first ends with {ended.code}: {ended.words.strip()[-300:]}"
    return case.again(out, what) if ended.code else case.differs(out, what)


def clock_jumped(case: Case, out: Path, rng: random.Random) -> str:
    """Killed; then all its files are of the year 1980 or 2099, and the clock went back by ten years."""
    running = Running(case.words(out))
    time.sleep(case.seconds * rng.random())
    running.kill()
    for path in out.rglob("*") if out.exists() else ():
        os.utime(path, (year := rng.choice([315532800, 4070908800]), year))
    real = time.time
    ended = run(case.words(out), before=lambda: setattr(time, "time", lambda: real() - 3.2e8))
    if ended.code:
        return f"the clock jumped: ends with {ended.code}: {ended.words.strip()[-300:]}"
    return case.differs(out, "the clock jumped")


def worker_killed(case: Case, out: Path, rng: random.Random) -> str:
    """One of two worker processes is killed."""
    import psutil

    words = [*case.words(out)]
    words[words.index("--workers") + 1] = "2"
    running = Running(words)
    end, found = time.monotonic() + 120, False
    while not found and time.monotonic() < end and psutil.pid_exists(running.pid):
        with contextlib.suppress(psutil.Error):
            workers = [p for p in psutil.Process(running.pid).children() if "LokyProcess" in " ".join(p.cmdline())]
            if workers and (out / "pretrained").exists():
                time.sleep(rng.random())
                rng.choice(workers).kill()
                found = True
        time.sleep(0.02)
    ended = running.wait()
    if not found:
        return "a worker killed: there was none to kill"
    return (said(ended, "a worker killed") if ended.code else "") or case.again(out, "after a killed worker")


def said(ended: Ended, what: str) -> str:
    """What is wrong with how a fault ended, or nothing."""
    if ended.refused:
        return ""
    return f"{what}: ends with {ended.code}: {ended.words.strip()[-300:] or '(nothing said)'}"


FAULTS: dict[str, tuple[Callable[[Case, Path, random.Random], str], tuple[str, ...]]] = {
    "full disk": (full_disk, tuple(COMMANDS)),
    "read-only": (read_only, tuple(COMMANDS)),
    "two at once": (two_at_once, tuple(COMMANDS)),
    "clock jump": (clock_jumped, tuple(COMMANDS)),
    "worker killed": (worker_killed, ("study own",)),
}


def main() -> int:
    """Run everything from the shell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--kills", type=int, default=20, help="kills over all commands")
    parser.add_argument(
        "--every-write", type=int, nargs="?", const=1, metavar="N", help="at each moment of a write (each N-th copy)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", choices=COMMANDS, default=list(COMMANDS), help="some of the commands")
    parser.add_argument("--keep", type=Path, help="folder to work in, which is kept; a second call there goes on")
    given = parser.parse_args()
    import semeia.readers
    import semeia.report.evaluation_folder
    import semeia.studies.signatures
    import semeia.studies.single  # noqa: F401

    with contextlib.ExitStack() as stack:
        folder = (given.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))).absolute()
        folder.mkdir(exist_ok=True, mode=0o700)
        os.chdir(folder)
        if not (folder / "whole").exists():
            if not (child := os.fork()):  # the parent never uses polars, whose threads would be missing after a fork
                make_inputs(folder)
                os._exit(0)
            os.waitpid(child, 0)
            (folder / "whole").mkdir()
        lines, wrong = table(folder, given)
    print("\n".join([*lines, "", *wrong]))
    return int(bool(wrong))


def table(folder: Path, given: argparse.Namespace) -> tuple[list[str], list[str]]:
    """The table as lines, and what went wrong."""
    rng, wrong = random.Random(given.seed), []
    head = ["command", "seconds", "moments of a write", "kills", "same bytes", *FAULTS]
    lines = [f"| {' | '.join(head)} |", f"|---|{'---:|' * (len(head) - 1)}"]
    needed = [one for one in COMMANDS if one in given.only or any(one in NEEDS.get(name, ()) for name in given.only)]
    share = {name: len(range(k, given.kills, len(given.only))) for k, name in enumerate(given.only)}
    for name in needed:
        case = Case(name, folder)
        whole = folder / "whole" / name.replace(" ", "-")
        if problem := case.undisturbed(whole):
            wrong.append(f"{name}: {problem}")
        for alias, maker in MADE_FROM.items():
            if maker == name and not (folder / alias).exists():
                (folder / alias).symlink_to(whole)
        if name not in given.only:
            continue
        if given.every_write:
            kills, fine, problems = every_write(case, folder, given)
        else:
            kills = share[name]
            problems = [problem for _ in range(kills) if (problem := killed(case, fresh(folder), rng))]
            fine = kills - len(problems)
        wrong += [f"{name}: {problem}" for problem in problems]
        cells = [name, f"{case.seconds:.1f}", str(case.writes), str(kills), str(fine)]
        for trial, commands in FAULTS.values():
            problem = trial(case, fresh(folder), rng) if name in commands else None
            cells.append("" if problem is None else "wrong" if problem else "as it should")
            wrong += [f"{name}: {problem}"] if problem else []
        lines.append(f"| {' | '.join(cells)} |")
        print(lines[-1], *wrong, sep="\n", file=sys.stderr, flush=True)
    return lines, wrong


def fresh(folder: Path) -> Path:
    """An empty place for one trial."""
    shutil.rmtree(folder / "trial", ignore_errors=True)
    (folder / "trial").mkdir(mode=0o700)
    return folder / "trial" / "out"


if __name__ == "__main__":
    sys.exit(main())
