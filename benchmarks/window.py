"""Whether the window stays alive while a real run trains: how late a timer comes.

Run from the project's folder, under xvfb-run where there is no display:

    python -m benchmarks.window DATA [--engine nerf] [--seconds 60] [--size 1280 800]
                                [--orbit] [--posing] [--drawing]

Opens the window, drops DATA on it, and from the first training step on lets a 16 ms Qt timer
say how much later than planned it came. The longest wait bounds the longest step of the
thread that draws. With --orbit the view turns all the time, as by a restless hand. With
--posing DATA are photos without cameras, and what is measured is the time in which their
cameras are found. With --engine diffusion DATA is a folder of images; with --drawing samples
are drawn all the time meanwhile.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

PERIOD_MS = 16


def main() -> int:
    """Measure and write one line a figure to standard output."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--size", type=int, nargs=2, default=(1280, 800))
    parser.add_argument("--orbit", action="store_true")
    parser.add_argument("--posing", action="store_true")
    parser.add_argument("--drawing", action="store_true")
    parser.add_argument("--engine", choices=["splats", "nerf", "diffusion"], default="splats")
    args = parser.parse_args()
    began = time.perf_counter()

    from app.launch import SWITCH_S, make_application

    sys.setswitchinterval(SWITCH_S)
    application = make_application([])

    from PySide6.QtCore import QEventLoop, Qt, QTimer

    from app import theme
    from app.faults import Faults
    from app.memory import Memory
    from app.window import MainWindow

    with tempfile.TemporaryDirectory() as place:
        theme.apply(application, "dark")
        window = MainWindow(memory=Memory(Path(place) / "settings.ini"), faults=Faults())
        window.resize(*args.size)
        window.show()
        application.processEvents()
        shown_s = time.perf_counter() - began
        while window.bench.machine is None:
            application.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
        window.topbar.engine.button(args.engine).click()
        window.bench.open([args.data.absolute()])
        while window.bench.run.step < 1 and not (args.posing and window.bench.posing.is_at_work):
            application.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
        late: list[float] = []
        last = [time.perf_counter()]
        drawn: list[float] = []

        def tick() -> None:
            now = time.perf_counter()
            late.append(max(0.0, 1e3 * (now - last[0]) - PERIOD_MS))
            last[0] = now
            if args.posing and not window.bench.posing.is_at_work:
                loop.quit()
            if args.orbit:
                window.viewport.orbit(2.0, 0.0)
            if args.drawing and not window.diffusing.page.draw.row.stop.isVisible():
                drawn.append(now)
                window.diffusing.page.draw.button.click()

        loop = QEventLoop()
        timer = QTimer()
        timer.setTimerType(Qt.TimerType.PreciseTimer)
        timer.timeout.connect(tick)
        timer.start(PERIOD_MS)
        measured = time.perf_counter()
        QTimer.singleShot(int(1e3 * args.seconds), loop.quit)
        loop.exec()
        timer.stop()
        measured = time.perf_counter() - measured
        steps = window.bench.run.step
        window.bench.run.clear()
        window.hide()

    waits = np.array(late)
    p50, p95, p99 = np.percentile(waits, [50, 95, 99])
    sys.stdout.write(
        f"window up after {shown_s:.2f} s\n"
        f"{steps} steps in {measured:.0f} s, {len(waits)} ticks, "
        f"samples asked for {len(drawn)} times\n"
        f"lateness of a {PERIOD_MS} ms timer: median {p50:.1f}, p95 {p95:.1f}, p99 {p99:.1f}, "
        f"longest {waits.max():.0f} ms\n"
        f"waits above 150 ms: {int((waits > 150 - PERIOD_MS).sum())}\n"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
