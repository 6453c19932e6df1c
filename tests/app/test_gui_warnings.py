"""What is said of the data is not left to a tab that nobody looks at."""

import pytest

pytestmark = pytest.mark.gl


def test_the_tab_of_the_log_tells_of_warnings_until_they_are_seen(window, wait):
    docks, log = window.docks, window.docks["log"]
    docks["curves"].raise_()
    wait(lambda: not docks.log.is_in_sight)
    docks.log.say("Opened pets")
    assert log.windowTitle() == "Log"
    docks.log.say("Class c has no images", level="warn")
    docks.log.say("2 of 10 images are left out", level="warn")
    assert log.windowTitle() == "Log (2)"
    log.raise_()
    wait(lambda: log.windowTitle() == "Log")
    wait(lambda: docks.log.is_in_sight)
    docks.log.say("There is only one image", level="warn")
    assert log.windowTitle() == "Log"
