"""Damage small valid files of every format and read them: each must be read, or refused in one line.

    python tools/fuzz.py --minutes 30

Bits are flipped, bytes cut out, doubled and cut short, lengths and numbers inflated; compressed files also inside,
pictures with their checksums put right. A trial is a function of (seed, target, number). Reading happens in a process
of its own, which is ended where it takes more than 10 s of the processor or grows by more than 1 GB. Prints a table;
exits with 1 where anything but "read" or "refused" came out.
"""

import argparse
import contextlib
import gzip
import io
import json
import random
import re
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
import zlib
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from fuzz_targets import TARGETS, Files

SECONDS, GROWTH_MB = 10.0, 1024
Step = tuple[str, float, int]  # what is done, where (share of the file), with which number
KINDS = ("flip", "byte", "cut", "double", "truncate", "length", "number", "token", "swap")
LENGTHS = (0, 1, 2**7, 2**15 - 1, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**64 - 1)
NUMBERS = ("0", "-1", "1e308", "999999999999", "NaN", "inf", "-0", "1_0", "0x10", "99999", "2147483648", "1.5", "")
TOKENS = (
    "null", "[]", "{}", "[" * 200, '"', "\0", "\n", "\r\n", ",", ";", "\ufeff", "\u202e", "../", "=1+1", "<script>",
    "true", "\x1b[31m", "*", "&a [*a]", "!!python/object:os.system", "9999-12-31", "0000-00-00", "' OR 1=1 --", "\t",
)  # fmt: skip


def damaged(content: bytes, steps: list[Step]) -> bytes:
    """Apply each step to some bytes."""
    data = bytearray(content)
    for kind, where, number in steps:
        at = min(int(where * len(data)), max(len(data) - 1, 0))
        if kind == "flip" and data:
            data[at] ^= 1 << number % 8
        elif kind == "byte" and data:
            data[at] = number % 256
        elif kind == "cut":
            del data[at : at + 1 + number % 64]
        elif kind == "double":
            data[at:at] = data[at : at + 1 + number % 256]
        elif kind == "truncate":
            del data[at:]
        elif kind == "swap":
            data[at : at + 8] = data[at : at + 8][::-1]
        elif kind == "length":
            size = (1, 2, 4, 8)[number % 4]
            value = LENGTHS[number // 4 % len(LENGTHS)] % 2 ** (8 * size)
            data[at : at + size] = value.to_bytes(size, "little" if number // 64 % 2 else "big")
        elif kind == "number":
            found = list(re.finditer(rb"-?\d+(\.\d+)?", data))
            if found:
                one = found[int(where * len(found))]
                data[one.start() : one.end()] = NUMBERS[number % len(NUMBERS)].encode()
        elif kind == "token":
            data[at:at] = TOKENS[number % len(TOKENS)].encode()
    return bytes(data)


def mutated(files: Files, name: str, steps: list[Step], *, inside: bool) -> Files:
    """The files with one of them damaged; `inside`: what is compressed, and behind checksums, too."""
    content = files[name]
    if inside and content[:2] == b"\x1f\x8b":
        return {**files, name: gzip.compress(damaged(gzip.decompress(content), steps))}
    content = damaged(content, steps)
    return {**files, name: with_checksums(content) if inside and content[:4] == b"\x89PNG" else content}


def with_checksums(png: bytes) -> bytes:
    """A PNG with the checksum of each chunk put right, so that what is in the chunks is looked at."""
    out, at = bytearray(png[:8]), 8
    while at + 12 <= len(png):
        (length,) = struct.unpack_from(">I", png, at)
        body = png[at + 4 : at + 8 + length]
        if len(body) < 4 + length:
            break
        out += png[at : at + 4] + body + struct.pack(">I", zlib.crc32(body))
        at += 12 + length
    return bytes(out + png[at:])


def drawn(rng: random.Random) -> list[Step]:
    """Steps of one trial: mostly few."""
    many = rng.choice([1, 1, 1, 2, 3, 8, 24])
    early = rng.random() < 0.5  # headers are where lengths are
    kinds = KINDS if many < 8 else ("flip", "byte", "length", "swap")
    return [(rng.choice(kinds), rng.random() ** (4 if early else 1), rng.randrange(10**6)) for _ in range(many)]


def trial(target: str, seed: int, number: int) -> tuple[Files, str]:
    """The files of a trial; number 0, 1, ... below the number of inputs are the inputs themselves."""
    inputs = inputs_of(target)
    if number < len(inputs):
        return inputs[number], ""
    rng = random.Random(f"{seed} {target} {number}")
    files = rng.choice(inputs)
    name = rng.choice([name for name in files if name.endswith(TARGETS[target].mutable)])
    return mutated(files, name, drawn(rng), inside=rng.random() < 0.5), name


_INPUTS: dict[str, list[Files]] = {}


def inputs_of(target: str) -> list[Files]:
    """The valid inputs of a target, made once."""
    if target not in _INPUTS:
        _INPUTS[target] = TARGETS[target].inputs()
    return _INPUTS[target]


def outcome_of(target: str, files: Files, folder: Path) -> str:
    """Read some files: "read", "refused", or what went wrong."""
    from semeia.errors import how_to_mend

    shutil.rmtree(folder, ignore_errors=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("error")
            TARGETS[target].read(folder)
        return "read"
    except MemoryError:
        return "MemoryError"
    except BaseException as error:
        words = how_to_mend(error) if isinstance(error, Exception) else ""
        if words and "\n" not in words and "CANARY" not in words:
            return "refused"
        place = next(
            (one for one in reversed(traceback.extract_tb(error.__traceback__)) if "semeia" in one.filename),
            traceback.extract_tb(error.__traceback__)[-1],
        )
        what = "a message with an id" if "CANARY" in words else "two lines" if words else type(error).__name__
        return f"{what} at {Path(place.filename).name}:{place.lineno}"
    finally:
        shutil.rmtree(folder.with_name(f"{folder.name}-archive"), ignore_errors=True)


def work() -> None:
    """Read trials from the first process, line by line, and answer with what came of each."""
    answers = sys.stdout
    sys.stdout = sys.stderr
    with tempfile.TemporaryDirectory() as scratch:
        for line in sys.stdin:
            target, seed, number = json.loads(line)
            files, name = trial(target, seed, number)
            Path("/proc/self/clear_refs").write_text("5")  # the peak of memory starts anew
            before = memory_mb("VmRSS")
            said = outcome_of(target, files, Path(scratch, "x"))
            grown = memory_mb("VmHWM") - before
            answers.write(json.dumps([f"{grown:.0f} MB" if grown > GROWTH_MB else said, name]) + "\n")
            answers.flush()


def memory_mb(what: str, process: str | int = "self") -> float:
    """VmRSS (memory held) or VmHWM (its peak) of a process."""
    words = Path(f"/proc/{process}/status").read_text()
    found = re.search(rf"{what}:\s+(\d+)", words)
    return int(found[1]) / 1024 if found else 0.0


def cpu_seconds(process: int) -> float:
    """What a process has taken of the processor."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


class Reader:
    """A process that reads, begun anew where it had to be ended."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None

    def outcome(self, target: str, seed: int, number: int, *, patience: float = SECONDS) -> tuple[str, str]:
        """What comes of a trial, and which file was damaged."""
        if self.process is None or self.process.poll() is not None:
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
            self.process = subprocess.Popen([sys.executable, __file__, "--worker"], text=True, **pipes)  # pyright: ignore[reportCallIssue, reportArgumentType]
            self.warm: set[str] = set()
        if target not in self.warm:
            patience += 120  # what is imported, and compiled, is no part of a trial
            self.warm.add(target)
        process = self.process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps([target, seed, number]) + "\n")
        process.stdin.flush()
        begun, held = cpu_seconds(process.pid), memory_mb("VmRSS", process.pid)
        while not select.select([process.stdout], [], [], 0.05)[0]:
            try:
                slow = cpu_seconds(process.pid) - begun > patience
                large = memory_mb("VmRSS", process.pid) - held > GROWTH_MB + (512 if patience > SECONDS else 0)
            except (OSError, IndexError):
                break
            if slow or large:
                process.kill()
                process.wait()
                return f"more than {patience:g} s" if slow else f"more than {GROWTH_MB} MB", ""
        line = process.stdout.readline()
        if not line:
            return f"the process died ({process.wait()})", ""
        said, name = json.loads(line)
        return said, name

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def battery(
    targets: list[str], *, seed: int = 0, seconds: float | None = None, trials: int | None = None
) -> dict[str, Counter[str]]:
    """Try each target in turn, for so long or so often; the inputs themselves first, which must be read."""
    found: dict[str, Counter[str]] = {name: Counter() for name in targets}
    reader, end, number = Reader(), time.monotonic() + (seconds or 0), 0
    try:
        while (trials is None or number < trials) and (seconds is None or time.monotonic() < end):
            for name in targets:
                said, file = reader.outcome(name, seed, number)
                if not file and said == "refused":
                    said = "an undamaged input was refused"
                found[name][said if said in ("read", "refused") else f"{said} [{file}, trial {number}]"] += 1
            number += 1
    finally:
        reader.close()
    return found


def printed(found: dict[str, Counter[str]]) -> str:
    """The table, and each thing that went wrong with its trial."""
    lines = ["| reader | trials | read | refused | wrong |", "|---|---:|---:|---:|---:|"]
    wrong = []
    for name, counts in found.items():
        fine = counts["read"], counts["refused"]
        lines.append(f"| {name} | {counts.total()} | {fine[0]} | {fine[1]} | {counts.total() - sum(fine)} |")
        wrong += [f"{name}: {said}" for said in counts if said not in ("read", "refused")]
    return "\n".join([*lines, "", *wrong])


def guided(target: str, *, seconds: float) -> None:
    """Let atheris choose the damage by what it reaches in our code; ends the process, not with 0 after a fault."""
    import atheris  # pyright: ignore[reportMissingImports]

    with atheris.instrument_imports(include=["semeia"]):
        import semeia.readers  # noqa: F401
    inputs = inputs_of(target)
    scratch = Path(tempfile.mkdtemp())

    def one(data: bytes) -> None:
        source = atheris.FuzzedDataProvider(data)
        files = inputs[source.ConsumeIntInRange(0, len(inputs) - 1)]
        names = [name for name in sorted(files) if name.endswith(TARGETS[target].mutable)]
        name, inside = names[source.ConsumeIntInRange(0, len(names) - 1)], source.ConsumeBool()
        steps = [
            (source.PickValueInList(list(KINDS)), source.ConsumeProbability() * 0.9999, source.ConsumeUInt(3))
            for _ in range(1 + source.ConsumeIntInRange(0, 7))
        ]
        said = outcome_of(target, mutated(files, name, steps, inside=inside), scratch / "x")
        if said not in ("read", "refused"):
            raise RuntimeError(said)

    atheris.Setup([sys.argv[0], f"-max_total_time={seconds:.0f}", f"-artifact_prefix={scratch}/"], one)
    atheris.Fuzz()


def main() -> int:
    """Run the battery from the shell."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", choices=TARGETS, default=list(TARGETS), help="some of the readers")
    parser.add_argument("--trial", type=int, help="repeat one trial of one reader, with its traceback")
    parser.add_argument("--guided", action="store_true", help="by atheris, one reader (pip install atheris)")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        work()
        return 0
    if given.guided:
        guided(given.only[0], seconds=60 * given.minutes)
    if given.trial is not None:
        files, name = trial(given.only[0], given.seed, given.trial)
        with tempfile.TemporaryDirectory() as scratch:
            for file, content in files.items():
                Path(scratch, "x", file).parent.mkdir(parents=True, exist_ok=True)
                Path(scratch, "x", file).write_bytes(content)
            print(f"damaged: {name}")
            TARGETS[given.only[0]].read(Path(scratch, "x"))
        return 0
    found = battery(given.only, seed=given.seed, seconds=60 * given.minutes)
    print(printed(found))
    return int(any(said not in ("read", "refused") for counts in found.values() for said in counts))


if __name__ == "__main__":
    sys.exit(main())
