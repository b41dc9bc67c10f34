"""Run the scripts of examples/integrations and write docs/other_libraries.md anew: ``make integrations``.

    python docs/make_integrations.py                        # all of them, each in the environment of its library
    python docs/make_integrations.py --only tianshou rllib  # some environments' alone; the rows of the others stay
    python docs/make_integrations.py --only                 # none: writes the page alone

The libraries' dependencies conflict, so each has an environment of its own, ``.venv-integrations/NAME``. What a script printed is in
``results/integrations``. A library that fails does not stop the others; the exit status is then 1.

The page shows each script between ``<!-- script NAME.py -->`` and ``<!-- end of script -->``, and the rows of docs/data/integrations.csv
in the table ``integrations``.
"""

from __future__ import annotations

import csv
import datetime
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import tyro
from page_tables import markdown, with_tables

from gym_causal.files import write_atomically

DOCS = Path(__file__).parent
ROOT = DOCS.parent
FOLDER, PAGE, DATA = ROOT / "examples" / "integrations", DOCS / "other_libraries.md", DOCS / "data" / "integrations.csv"
ENVIRONMENTS, LOGS = ROOT / ".venv-integrations", ROOT / "results" / "integrations"
COLUMNS = ("script", "library", "version", "python", "gymnasium", "ok", "seconds", "date")
SCRIPT_BLOCK = re.compile(r"(<!-- script (\w+\.py) -->\n).*?(<!-- end of script -->)", re.DOTALL)
TIMEOUT = 3_600  # seconds, of one script

# Environment -> what is installed in it beside torch and this package.
REQUIREMENTS = {
    "sb3_contrib": ("stable-baselines3==2.9.2", "sb3-contrib==2.9.2"),
    "imitation": ("imitation==1.0.1",),
    "minari": ("minari[create,hdf5]==0.5.4", "pillow"),
    "torchrl": ("torchrl==0.14.1",),
    "rllib": ("ray[rllib]==2.60.0",),
    "tianshou": ("tianshou==2.0.1",),
    "d3rlpy": ("d3rlpy==2.8.1",),
}
# Script -> its environment, and the library whose version is shown.
SCRIPTS = {
    "sb3_ppo.py": ("sb3_contrib", "stable-baselines3"),
    "sb3_contrib_recurrent_ppo.py": ("sb3_contrib", "sb3-contrib"),
    "sb3_contrib_maskable_ppo.py": ("sb3_contrib", "sb3-contrib"),
    "ppo_gru.py": ("sb3_contrib", "torch"),
    "flat_causal_dag.py": ("sb3_contrib", "gymnasium"),
    "imitation_bc.py": ("imitation", "imitation"),
    "imitation_dagger.py": ("imitation", "imitation"),
    "imitation_gail.py": ("imitation", "imitation"),
    "minari_dataset.py": ("minari", "minari"),
    "torchrl_gru.py": ("torchrl", "torchrl"),
    "rllib_lstm.py": ("rllib", "ray"),
    "tianshou_lstm.py": ("tianshou", "tianshou"),
    "d3rlpy_decision_transformer.py": ("d3rlpy", "d3rlpy"),
}
ASK_VERSIONS = """
import json, platform, sys
from importlib.metadata import version
print(json.dumps([version(sys.argv[1]), platform.python_version(), version("gymnasium")]))
"""


@dataclass(frozen=True)
class Args:
    """Run the scripts of examples/integrations, each in the environment of its library, and write docs/other_libraries.md anew."""

    only: tuple[str, ...] = tuple(REQUIREMENTS)
    """The environments whose scripts are run."""
    torch: str = "torch"
    """The torch to install."""


def python_of(environment: str) -> str:
    return str(ENVIRONMENTS / environment / "bin" / "python")


def install(environment: str, torch: str) -> None:
    """Make an environment, if there is none, and install in it what its scripts need."""
    if not Path(python_of(environment)).exists():
        subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENTS / environment)], check=True)
    pip = [python_of(environment), "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--no-compile"]
    # torch first and alone, then named again: so its build stays the chosen one, whatever a library would like.
    subprocess.run([*pip, torch], check=True)
    subprocess.run([*pip, torch, "--editable", str(ROOT), *REQUIREMENTS[environment]], check=True)


def run(script: str) -> dict[str, str]:
    """Run a script in its environment; returns its row of the table."""
    environment, library = SCRIPTS[script]
    variables = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {"OMP_NUM_THREADS": "1"}
    log = LOGS / f"{Path(script).stem}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, log.open("w", encoding="utf-8") as output:
        variables["MINARI_DATASETS_PATH"] = folder
        command = [python_of(environment), str(FOLDER / script)]
        try:
            done = subprocess.run(command, cwd=folder, env=variables, stdout=output, stderr=subprocess.STDOUT, timeout=TIMEOUT, check=False)
            ok = done.returncode == 0
        except (OSError, subprocess.TimeoutExpired) as error:
            output.write(f"{error}\n")
            ok = False
    seconds = time.monotonic() - start
    today = datetime.date.today().isoformat()
    versions = installed_versions(environment, library)
    return dict(zip(COLUMNS, (script, library, *versions, "yes" if ok else "no", f"{seconds:.0f}", today), strict=True))


def installed_versions(environment: str, library: str) -> list[str]:
    """The versions of a library, of Python and of gymnasium in an environment; empty where the library is not installed."""
    try:
        asked = subprocess.run([python_of(environment), "-c", ASK_VERSIONS, library], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ["", "", ""]
    return json.loads(asked.stdout)


def run_environment(environment: str, torch: str) -> list[dict[str, str]]:
    """The rows of an environment's scripts."""
    print(f"{environment}: installing", flush=True)
    try:
        install(environment, torch)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"{environment}: {error}", flush=True)  # its scripts will fail, and the table says so
    rows = []
    for script in (script for script, (place, _) in SCRIPTS.items() if place == environment):
        print(f"{environment}: {script}", end=" ", flush=True)
        rows.append(run(script))
        print(f"ok: {rows[-1]['ok']}, {rows[-1]['seconds']} s", flush=True)
    return rows


def merged(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """These rows and the earlier ones of other scripts, in the order of the scripts."""
    earlier = list(csv.DictReader(DATA.read_text("utf-8").splitlines())) if DATA.exists() else []
    found = {row["script"]: row for row in [*earlier, *rows]}
    return [found[script] for script in SCRIPTS if script in found]


def renewed(text: str) -> str:
    """The page with the scripts and the table as they are now."""
    rows = {script: [library, "", "", "", "not yet", "", ""] for script, (_, library) in SCRIPTS.items()}
    rows |= {row["script"]: [row[name] for name in COLUMNS[1:]] for row in merged([])}
    header = ("Script", "Library", "Version", "Python", "Gymnasium", "Ran", "Seconds", "Date")
    cells = [[f"[`{script}`](../examples/integrations/{script})", *rest] for script, rest in rows.items()]
    text = with_tables(text, {"integrations": partial(markdown, header, cells)})

    def block(match: re.Match[str]) -> str:
        return f"{match[1]}\n```python\n{(FOLDER / match[2]).read_text('utf-8')}```\n\n{match[3]}"

    return SCRIPT_BLOCK.sub(block, text)


def write_rows(rows: list[dict[str, str]], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main(args: Args) -> int:
    if unknown := [name for name in args.only if name not in REQUIREMENTS]:
        sys.exit(f"--only must name some of {', '.join(REQUIREMENTS)}, got {', '.join(unknown)}")
    ok = True
    for environment in args.only:
        rows = run_environment(environment, args.torch)
        ok = ok and all(row["ok"] == "yes" for row in rows)
        write_atomically(DATA, partial(write_rows, merged(rows)))  # at once: an interrupted run keeps what it has
    page = renewed(PAGE.read_text("utf-8"))
    write_atomically(PAGE, lambda path: path.write_text(page, encoding="utf-8"))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Args)))
