import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
import inspector.scorers
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_scorers_need_numpy_only():
    root = Path(__file__).parents[3]

    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=root, capture_output=True, text=True, check=True)

    loaded = set(done.stdout.split())
    assert "numpy" in loaded
    assert not loaded & {"torch", "sklearn", "scipy"}
