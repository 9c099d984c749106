"""A real browser."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
WAIT = 600_000  # milliseconds until a page is given up; both cores may be busy with other tests
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have a browser; .ci/run installs Debian's chromium")
        pytest.skip("no Chrome or Chromium found; install one to run the browser tests")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=QUIET, timeout=WAIT)
        expect.set_options(timeout=WAIT)
        opened = browser.new_page()
        opened.set_default_timeout(WAIT)
        yield opened
        browser.close()
