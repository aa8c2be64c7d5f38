"""A tally on a cluster: two workers of dask.distributed over loopback, one of them killed midway; the same bits."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# A process of its own: a cluster has an event loop, threads and processes, none of which belong among other tests.
# Each worker is a new interpreter (spawn) beside a nanny that starts another one if it dies.
CODE = """
import os, signal, sys
import joblib
from dask.distributed import Client, LocalCluster
from minitorch_viz import load_model
from minitorch_viz.techniques.tally import tallied
from tests.techniques.test_tally import PICTURES, Best, Sums, bits

def main():
    model, empty = load_model("scenes"), [Sums("relu3"), Best("relu5")]
    *_, alone = tallied(model, PICTURES, empty, batch=1)
    cluster = LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None, silence_logs=50
    )
    with cluster, Client(cluster) as client, joblib.parallel_config(backend="dask"):
        client.wait_for_workers(2)
        before = client.run(os.getpid)
        first = tallied(model, PICTURES, empty, batch=1, workers=2, checkpoint=sys.argv[1])
        print("first", [next(first).done for _ in range(3)])
        first.close()  # as Ctrl-C does
        steps = []
        for step in tallied(model, PICTURES, empty, batch=1, workers=2, checkpoint=sys.argv[1]):
            steps.append(step.done)
            if len(steps) == 2:
                os.kill(min(before.values()), signal.SIGKILL)
        print("second", steps)
        print("the same bits", bits(step) == bits(alone))
        client.wait_for_workers(2)
        print("new workers", len(set(client.run(os.getpid).values()) - set(before.values())))

if __name__ == "__main__":
    main()
"""


@pytest.mark.slow
@pytest.mark.dask
@pytest.mark.skipif(os.name != "posix", reason="kills a process")
def test_a_cluster_gives_the_bits_of_one_process(tmp_path: Path) -> None:
    """Stopped, continued, and a worker killed midway."""
    pytest.importorskip("distributed", reason='needs dask.distributed: pip install -e ".[cluster]"')
    script = tmp_path / "script.py"
    script.write_text(CODE)
    paths = [str(ROOT), str(ROOT / "kernels"), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "run.state")],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
    )
    assert done.stdout.splitlines() == [
        "first [4, 8, 12]",
        f"second {[*range(16, 75, 4), 75]}",
        "the same bits True",
        "new workers 1",
    ], done.stderr
