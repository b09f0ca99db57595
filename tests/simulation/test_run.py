"""What ngspice does with small circuits: results that count, and every known fault."""

import numpy as np
import pytest

from netgen.errors import ConfigurationError, SimulationError
from netgen.simulators import Attempt, Job, Waveforms, run_all, run_job, simulator_version

pytestmark = pytest.mark.ngspice

STOP = 1e-3
TAU = 1e-4
LOW_PASS = """
v1 in 0 pulse(0 1 0 1u 1u 1 2)
r1 in out 1k
c1 out 0 100n
.tran 1u 1m
.save out
"""


def deck(body: str) -> str:
    return f"test\n{body}\n.end\n"


def job(
    *bodies: str,
    vectors: tuple[str, ...] = ("out",),
    stop: float | None = STOP,
    timeout: float = 20.0,
) -> Job:
    attempts = tuple(Attempt(f"rung{index}", deck(body)) for index, body in enumerate(bodies))
    return Job("circuit", attempts, vectors, stop, timeout)


def failure(*bodies: str, vectors: tuple[str, ...] = ("out",)) -> SimulationError:
    with pytest.raises(SimulationError) as caught:
        run_job(job(*bodies, vectors=vectors))
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("simulation circuit failed (")
    return caught.value


def test_transient_is_exact() -> None:
    result = run_job(job(LOW_PASS))
    time, out = result.scale, result.vectors["out"]
    assert list(result.vectors) == ["out"]
    assert result.timepoints == len(out) > 900
    assert time[-1] == pytest.approx(STOP, rel=1e-6)
    late = time > 2e-6
    ideal = 1 - np.exp(-(time[late] - 0.5e-6) / TAU)
    np.testing.assert_allclose(out[late], ideal, atol=2e-4)
    assert result.attempt == "rung0"
    assert result.failed_attempts == {}
    assert 0 < result.cpu_s < 10
    assert result.simulator == simulator_version()


def test_version_is_that_of_a_supported_ngspice() -> None:
    name, _, number = simulator_version().partition("-")
    assert name == "ngspice"
    assert int(number) >= 39


def test_names_are_lower_case() -> None:
    body = LOW_PASS.replace("out", "OUT") + ".save i(V1) v(IN)"
    result = run_job(job(body, vectors=("out", "in", "v1#branch")))
    assert sorted(result.vectors) == ["in", "out", "v1#branch"]


DIVIDER = """
v1 in 0 1
r1 in out 1k
r2 out 0 1k
.save out
"""


def test_sweep_up_and_down() -> None:
    up = run_job(job(DIVIDER + ".dc v1 0 2 0.1", stop=2.0))
    down = run_job(job(DIVIDER + ".dc v1 2 0 -0.1", stop=0.0))
    np.testing.assert_allclose(up.vectors["out"], up.scale / 2, atol=1e-12)
    np.testing.assert_allclose(down.vectors["out"][::-1], up.vectors["out"], atol=1e-12)
    assert up.timepoints == down.timepoints == 21


def test_operating_point() -> None:
    result = run_job(job(DIVIDER + ".op", stop=None))
    assert result.vectors["out"].tolist() == pytest.approx([0.5])
    assert result.scale.tolist() == [0.0]


def test_noise_spectrum_and_total() -> None:
    body = "v1 in 0 dc 0 ac 1\nr1 in out 1k\nc1 out 0 1u\n.noise v(out) v1 dec 10 1 1e6"
    spectrum = run_job(job(body, vectors=("onoise_spectrum",), stop=1e6))
    # Johnson-Nyquist: 4kTR, at 27 °C
    density = np.sqrt(4 * 1.380649e-23 * 300.15 * 1e3)
    assert spectrum.vectors["onoise_spectrum"][0] == pytest.approx(density, rel=1e-3)
    assert spectrum.scale[0] == 1.0
    total = run_job(job(body, vectors=("onoise_total",), stop=None))
    # kT/C
    kt_over_c = np.sqrt(1.380649e-23 * 300.15 / 1e-6)
    assert total.vectors["onoise_total"][0] == pytest.approx(kt_over_c, rel=0.02)


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (LOW_PASS + "d1 out 0 nomodel", "load", "nomodel"),
        (LOW_PASS + "foo bar baz", "load", ""),
        (LOW_PASS + "x1 out 0 nosub", "load", "unknown subckt: x1 out 0 nosub"),
        (LOW_PASS + ".include /nowhere/models.sp", "load", "/nowhere/models.sp"),
        (LOW_PASS + ".lib /nowhere/models.sp typical", "load", "/nowhere/models.sp"),
        (LOW_PASS + "r2 out 0 {undefined}", "load", "Undefined parameter [undefined]"),
        (LOW_PASS + ".options reltol=abc", "load", "reltol"),
        (LOW_PASS + ".save nosuch", "missing_vector", "nosuch"),
        ("v1 out 0 1\nv2 out 0 2\n.tran 1u 1m", "singular", "singular matrix"),
        ("b1 out 0 v=sqrt(-1)/0\nr1 out 0 1\n.tran 1u 1m", "timestep", "Timestep too small"),
        ("b1 out 0 v=ln(0.5m-time)\nr1 out 0 1\n.tran 1u 1m", "timestep", "time = 0.0005"),
        (LOW_PASS.replace(".tran 1u 1m", ".tran 1u 0.9m"), "incomplete", "ended at 0.0009"),
        (LOW_PASS.replace(".tran 1u 1m", ""), "no_result", ""),
        ("", "no_result", ""),
    ],
)
def test_fault_is_classified(body: str, kind: str, words: str) -> None:
    vectors = ("out", "nosuch") if "nosuch\n" in body + "\n" else ("out",)
    error = failure(body, vectors=vectors)
    assert error.kind == kind
    assert words in str(error)
    assert f"rung0: {kind}" in str(error)


@pytest.mark.parametrize("commands", ["quit", "run\nquit", "shell touch here"])
def test_commands_in_a_deck_are_refused(commands: str) -> None:
    with pytest.raises(ConfigurationError, match="netgen runs none"):
        run_job(job(f"{LOW_PASS}.control\n{commands}\n.endc"))


def test_tail_holds_what_ngspice_said() -> None:
    error = failure(LOW_PASS + "x1 out 0 nosub")
    assert any("unknown subckt" in line for line in error.tail)
    assert not any(line.startswith(("stderr ", "stdout ")) for line in error.tail)


def test_failed_load_does_not_run_the_circuit_before() -> None:
    good = run_job(job(LOW_PASS))
    assert failure(LOW_PASS + ".include /nowhere/models.sp").kind == "load"
    again = run_job(job(LOW_PASS))
    np.testing.assert_array_equal(again.vectors["out"], good.vectors["out"])


def test_node_called_error_is_harmless() -> None:
    result = run_job(job(LOW_PASS + ".save error_in\nr9 out error_in 1k\nr8 error_in 0 1k"))
    assert result.vectors["error_in"][-1] == pytest.approx(0.25, rel=0.5)


def test_what_gmin_stepping_says_is_harmless() -> None:
    # A node that nothing ties down: "Note: Starting dynamic gmin stepping", "Trying gmin = …",
    # "Warning: singular matrix" and a good result.
    body = "i1 0 out 1n\nd1 far out dm\nc1 far 0 1p\n.model dm d\n.tran 1u 1m\n.save out"
    assert run_job(job(body)).timepoints > 900


def test_text_that_is_not_ascii_is_harmless() -> None:
    run_job(job(LOW_PASS + "* 1 µA at 27 °C\n"))


def test_retry_sequence_stops_at_the_first_result_that_counts() -> None:
    singular = "v1 out 0 1\nv2 out 0 2\n.tran 1u 1m"
    result = run_job(job(singular, LOW_PASS + "d1 out 0 nomodel", LOW_PASS, "never tried"))
    assert result.attempt == "rung2"
    assert result.failed_attempts == {"rung0": "singular", "rung1": "load"}


def test_retry_sequence_without_a_result_names_every_rung() -> None:
    error = failure(LOW_PASS + "d1 out 0 nomodel", LOW_PASS.replace(".tran 1u 1m", ""))
    assert error.kind == "no_result"
    assert "(rung0: load, rung1: no_result)" in str(error)


def resistor(ohms: int) -> str:
    return DIVIDER.replace("r2 out 0 1k", f"r2 out 0 {ohms}") + ".op"


def test_fifty_jobs_in_a_row_keep_their_own_results() -> None:
    for index in range(1, 51):
        result = run_job(job(resistor(1000 * index), stop=None))
        assert result.vectors["out"][0] == pytest.approx(index / (index + 1))


def test_results_of_different_size_follow_each_other() -> None:
    sizes = [run_job(job(LOW_PASS.replace("1u 1m", f"1u 1m 0 {step}"))) for step in ("1u", "0.1u")]
    small = run_job(job(DIVIDER + ".op", stop=None))
    assert [result.timepoints > 5000 for result in sizes] == [False, True]
    assert small.timepoints == 1


def test_many_jobs_come_with_their_own_results() -> None:
    jobs = {
        Job(str(index), (Attempt("a", deck(resistor(1000 * index))),), ("out",), None, 20): index
        for index in range(1, 31)
    }
    seen = set()
    for done, result in run_all(iter(jobs), workers=2):
        index = jobs[done]
        assert isinstance(result, Waveforms)
        assert result.vectors["out"][0] == pytest.approx(index / (index + 1))
        seen.add(index)
    assert seen == set(jobs.values())


def test_one_failure_is_one_jobs_failure() -> None:
    jobs = [job(LOW_PASS), job(LOW_PASS + "x1 out 0 nosub"), job(LOW_PASS)]
    results = dict(run_all(jobs, workers=2))
    good, bad = results[jobs[0]], results[jobs[1]]
    assert isinstance(bad, SimulationError)
    assert bad.kind == "load"
    assert isinstance(good, Waveforms)
    assert good.timepoints > 900


def test_no_jobs() -> None:
    assert list(run_all([], workers=2)) == []


def test_large_result_crosses_whole() -> None:
    rungs = "".join(f"r{i} n{i} n{i + 1} 1\n" for i in range(300))
    body = f"v1 n0 0 pulse(0 1 0 1u 1u 1 2)\n{rungs}r1000 n300 0 1\n.tran 1u 1m\n.save all"
    result = run_job(job(body, vectors=("n0", "n300"), stop=STOP))
    assert len(result.vectors) == 302
    for index in (1, 150, 300):
        expected = result.vectors["n0"] * (301 - index) / 301
        np.testing.assert_allclose(result.vectors[f"n{index}"], expected, atol=1e-9)
