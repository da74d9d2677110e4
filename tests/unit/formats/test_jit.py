import subprocess
import sys

import numba
import pytest

from lakemill.formats import jit

KERNELS = "lakemill.formats.records.kernel"


def test_small_inputs_wait_for_no_compiled_code(monkeypatch):
    monkeypatch.delitem(sys.modules, KERNELS, raising=False)
    assert jit.kernels(KERNELS, jit.COLD_BYTES - 1) is None


def test_large_inputs_load_it_and_smaller_ones_use_it_from_then_on():
    assert jit.kernels(KERNELS, jit.COLD_BYTES) is not None
    assert jit.kernels(KERNELS, jit.WARM_BYTES) is not None
    assert jit.kernels(KERNELS, jit.WARM_BYTES - 1) is None


def test_code_is_compiled_without_a_folder_to_keep_it_in(monkeypatch):
    njit = numba.njit

    def refusing(*args, cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return njit(*args, **options)

    monkeypatch.setattr(numba, "njit", refusing)
    assert jit.compiled(lambda x: x + 1)(1) == 2


@pytest.mark.parametrize("module", ["recordio", "records", "csv", "jsonrecords", "mxnet"])
def test_a_format_is_loaded_without_numba_scipy_and_pyarrow(module):
    heavy = "{'numba', 'scipy', 'pyarrow'} & set(sys.modules)"
    program = f"import sys, lakemill.formats.{module}; sys.exit(', '.join({heavy}) or 0)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
