"""The page in a real browser: a headless Chromium draws, types, reads and trains on it."""

import json
import re
import shutil
import threading
import time

import numpy as np
import pytest
from strokes import strokes

pytest.importorskip("bottle", reason="the extra `play` is not installed")
pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

from playwright import sync_api as playwright

from fastnet.cli.play import first_network
from fastnet.web._server import Server

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
if CHROMIUM is None:
    pytest.skip("there is no Chromium", allow_module_level=True)
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
playwright.expect.set_options(timeout=30_000)  # milliseconds: the machine may be busy
HELD_OUT = range(20)  # MNIST's test images that are drawn
LANGUAGES = {"en": "Draw a digit", "ko": "숫자를 그리면", "ja": "数字を書くと"}
LEAST_CONTRAST = 4.5  # of text, as WCAG 2 asks at level AA


@pytest.fixture(scope="module")
def server():
    with Server(0, first_network(None)) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def visit(browser, server):
    """Open the page in a browser of its own. At the end, nothing may have gone wrong or have come from elsewhere."""
    contexts, wrong = [], []

    def visit(**options):
        context = browser.new_context(**{"locale": "en-US", "viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        context.on("request", lambda sent: None if sent.url.startswith(server.url) else wrong.append(sent.url))
        return open_tab(context)

    def open_tab(context):
        page = context.new_page()
        page.on("console", lambda told: wrong.append(told.text) if told.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(server.url)
        expect(page, "accuracy", re.compile("%"))  # it has a session
        return page

    visit.tab, visit.expected = open_tab, None
    yield visit
    for context in contexts:
        context.close()
    assert [told for told in wrong if not (visit.expected and visit.expected in told)] == []


@pytest.fixture
def page(visit):
    return visit()


def draw(page, lines):
    """Draw lines of points on the pad with the mouse."""
    page.evaluate("scrollTo(0, 0)")
    box = page.locator("#pad").bounding_box()
    scale = box["width"] / 280
    for (x, y), *rest in lines:
        page.mouse.move(box["x"] + x * scale, box["y"] + y * scale)
        page.mouse.down()
        for x_next, y_next in rest:
            page.mouse.move(box["x"] + x_next * scale, box["y"] + y_next * scale)
        page.mouse.up()


SEVEN = [[(80, 60), (200, 60), (190, 90), (150, 160), (120, 230)]]
ONE = [[(140, 40), (140, 240)]]


def read(page):
    """What the page reads, once it has read all that is drawn: the digit and the ten probabilities in percent."""
    playwright.expect(page.locator("#digits")).not_to_have_attribute("aria-busy", "true")
    shares = [float(text.rstrip("%")) for text in page.locator("#digits .percent").all_inner_texts()]
    digits = page.locator("#answer strong").all_inner_texts()
    return (int(digits[0]) if digits else None), shares


def expect(page, place, text):
    """Wait until a place of the page shows a text."""
    playwright.expect(page.locator(f"#{place}")).to_have_text(text)


def points(page, curve):
    return page.locator(f"#{curve} polyline").get_attribute("points").split()


def picture(page, canvas):
    return page.evaluate("(id) => document.getElementById(id).toDataURL()", canvas)


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


# --- reading ---------------------------------------------------------------------------------------------------------


def test_strokes_of_held_out_test_images_are_read(page, mnist):
    _, (x, t) = mnist
    right = 0
    for number in HELD_OUT:
        page.click("#clear")
        draw(page, strokes(x[number]))
        digit, shares = read(page)
        assert digit == np.argmax(shares)
        assert sum(shares) == pytest.approx(100, abs=0.5)  # ten numbers, rounded to a tenth
        right += digit == t[number]
    assert right >= 18


def test_the_page_answers_while_a_stroke_is_drawn(page):
    assert read(page)[0] is None
    assert "Nothing is drawn yet" in page.inner_text("#answer")
    units = picture(page, "hidden")
    box = page.locator("#pad").bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 100, box["y"] + 180, steps=20)
    assert read(page)[0] == 1  # the button is still down
    assert picture(page, "hidden") != units
    assert page.inner_text("#spoken") == ""  # a screen reader hears of whole strokes
    page.mouse.up()
    expect(page, "spoken", re.compile("reads 1"))
    page.click("#clear")
    assert read(page) == (None, [0.0] * 10)
    assert page.inner_text("#spoken") == ""
    assert picture(page, "hidden") == units


def test_another_digit_can_be_explained(page):
    draw(page, SEVEN)
    assert read(page)[0] == 7
    assert re.match(r"spoke for 7: \+\d+\.\d", page.inner_text("#for"))
    why = picture(page, "why")
    page.click("#digits button:nth-child(4)")
    expect(page, "against", re.compile("^spoke against 3: \u2212"))
    assert picture(page, "why") != why
    assert page.locator("#digits [aria-pressed=true]").inner_text().startswith("3")
    page.click("#digits button:nth-child(4)")  # a second time: the most probable one again
    expect(page, "for", re.compile("^spoke for 7"))


@pytest.mark.parametrize("kind", ["finger", "pen"])
def test_a_finger_and_a_pen_draw_too(visit, kind):
    page = visit(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    box = page.locator("#pad").bounding_box()
    (line,) = SEVEN
    places = [(box["x"] + x * box["width"] / 280, box["y"] + y * box["height"] / 280) for x, y in line]
    devices = page.context.new_cdp_session(page)
    steps = ["Start" if kind == "finger" else "Pressed", *["Move" if kind == "finger" else "Moved"] * (len(places) - 1)]
    for step, (x, y) in zip(steps, places, strict=True):
        if kind == "finger":
            devices.send("Input.dispatchTouchEvent", {"type": f"touch{step}", "touchPoints": [{"x": x, "y": y}]})
        else:
            pen = {"x": x, "y": y, "button": "left", "buttons": 1, "pointerType": "pen", "clickCount": 1}
            devices.send("Input.dispatchMouseEvent", {"type": f"mouse{step}", **pen})
    if kind == "finger":
        devices.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert read(page)[0] == 7
    assert page.evaluate("scrollY") == 0  # the finger has not scrolled the page


def test_the_keyboard_alone_suffices(page):
    focused = "document.activeElement.id || document.activeElement.name"

    def tab_to(name):
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate(focused) == name:
                outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
                assert outline != "none", f"{name} does not show its focus"
                return
        raise AssertionError(f"the Tab key does not lead to {name}")

    def press(key, times=1):
        for _ in range(times):
            page.keyboard.press(key)

    tab_to("pad")
    press("ArrowLeft", 6)
    press("Space")
    press("ArrowRight", 12)
    page.keyboard.down("ArrowLeft")  # with the other one: diagonally
    press("ArrowDown", 8)
    page.keyboard.up("ArrowLeft")
    press("ArrowDown", 8)
    press("Space")
    press("ArrowDown", 5)  # the pen is up
    assert read(page)[0] == 7
    assert page.evaluate("scrollY") == 0
    tab_to("clear")
    page.keyboard.press("Enter")
    assert read(page)[0] is None
    tab_to("lr")
    page.keyboard.press("ArrowDown")
    assert page.input_value("[name=lr]") == "1"
    tab_to("anew")
    page.keyboard.press("Enter")
    until(lambda: len(points(page, "loss-curve")) > 3)
    tab_to("stop")
    page.keyboard.press("Enter")
    expect(page, "message", "The training has stopped.")
    tab_to("language")
    page.keyboard.press("ArrowDown")
    assert page.inner_text("h1").startswith(LANGUAGES["ko"])


# --- training --------------------------------------------------------------------------------------------------------


def test_the_curves_and_the_weights_move_while_it_trains_and_stand_still_when_it_is_stopped(page):
    draw(page, SEVEN)
    assert read(page)[0] == 7
    page.select_option("[name=lr]", "1")
    page.click("#anew")
    until(lambda: len(points(page, "loss-curve")) >= 2)
    weights, first_loss = picture(page, "hidden"), float(page.inner_text("#loss"))
    until(lambda: float(page.inner_text("#accuracy").rstrip("%")) > 85)
    until(lambda: picture(page, "hidden") != weights and float(page.inner_text("#loss")) < first_loss)
    assert page.locator("#answer strong").inner_text() in "0123456789"
    (_, left), *_, (_, right) = (map(float, point.split(",")) for point in points(page, "accuracy-curve"))
    assert right < left  # higher up in the picture
    assert int(re.sub(r"\D", "", page.locator("[data-step]").first.inner_text())) > 100
    page.click("#stop")
    expect(page, "message", "The training has stopped.")
    read(page)
    before = picture(page, "hidden"), points(page, "loss-curve")
    page.wait_for_timeout(500)
    assert (picture(page, "hidden"), points(page, "loss-curve")) == before
    page.click("#first")
    expect(page, "accuracy", "97.9%")
    assert points(page, "loss-curve") == []
    assert read(page)[0] == 7


def test_everything_can_be_changed_while_it_trains(page, server):
    sent = []
    page.on("request", lambda request: sent.append(request.post_data) if request.url.endswith("/train") else None)

    def goes_on():
        steps = page.locator("[data-step]").first.inner_text()
        until(lambda: page.locator("[data-step]").first.inner_text() != steps)
        assert page.inner_text("#message") == "The network is training."

    page.click("#anew")
    goes_on()
    changes = {"lr": "0.01", "optimizer": "Adam", "gradient": "numerical", "steps_per_second": "10", "hidden": "10"}
    for count, (name, value) in enumerate(changes.items(), 2):
        page.select_option(f"[name={name}]", value)
        until(lambda count=count: page.wait_for_timeout(20) or len(sent) == count)  # waiting, it hears of requests
        goes_on()
    assert json.loads(sent[-1]) == {"lr": 0.01, "optimizer": "Adam", "gradient": "numerical", "steps_per_second": 10}
    assert page.evaluate("document.getElementById('hidden').width") == 10 * 31 - 3  # ten units in a row
    assert sum(session.is_training for session in server._sessions._sessions.values()) == 1


def test_a_second_tab_does_not_disturb_the_first(visit, page):
    draw(page, SEVEN)
    before = read(page), picture(page, "hidden"), page.inner_text("#accuracy")
    other = visit.tab(page.context)
    draw(other, ONE)
    assert read(other)[0] == 1
    other.click("#anew")
    until(lambda: len(points(other, "loss-curve")) > 3)
    page.bring_to_front()
    draw(page, [[(1, 1), (1, 2)]])  # a dot in the corner, so that the page reads again
    page.click("#clear")
    draw(page, SEVEN)
    assert (read(page), picture(page, "hidden"), page.inner_text("#accuracy")) == before
    assert page.inner_text("#message") == ""


def test_a_training_ends_when_its_tab_is_closed(page, server):
    page.click("#anew")
    until(lambda: len(points(page, "loss-curve")) > 3)
    assert any(session.is_training for session in server._sessions._sessions.values())
    page.close()
    until(lambda: not any(session.is_training for session in server._sessions._sessions.values()))


def test_with_more_tabs_than_may_train_at_once_each_still_reads_and_stops(visit, page):
    """A training holds a connection, and the browser opens six for all tabs together."""
    tabs = [page, *(visit.tab(page.context) for _ in range(6))]
    visit.expected = "409 (Conflict)"  # the browser tells of the server's answer
    for tab in tabs:
        tab.click("#anew")
        expect(tab, "message", re.compile(r"^(The network is training|Four other tabs are training)\."))
    messages = [tab.inner_text("#message") for tab in tabs]
    assert [message.startswith("The network is") for message in messages] == [True] * 4 + [False] * 3
    for tab in tabs:
        tab.bring_to_front()
        draw(tab, SEVEN)
        expect(tab, "answer", re.compile("[0-9]"))
    page.click("#stop")
    expect(page, "message", "The training has stopped.")
    tabs[-1].click("#further")
    until(lambda: len(points(tabs[-1], "loss-curve")) > 1)


@pytest.mark.filterwarnings("ignore:the loss is nan")  # the terminal says so, too
def test_a_training_that_diverges_stops_and_says_so(page, server):
    network = list(server._sessions._sessions.values())[-1]._network
    network.params["W2"][:] = np.nan
    page.click("#further")
    expect(page, "message", re.compile("^The loss is no longer finite"))
    assert page.inner_text("#loss") == "\u221e"
    assert page.is_disabled("#stop")
    draw(page, SEVEN)
    expect(page, "answer", re.compile(r"^\s*0\s+only 0\.0%: unsure"))  # no probability is a number
    assert page.inner_text("#message").startswith("The loss is no longer finite")


def test_a_stop_that_overtakes_its_training_ends_it_too(page, server):
    page.evaluate(
        "() => { const send = fetch; window.fetch = async (path, asked) => {"
        "if (path === 'train') await new Promise((go) => setTimeout(go, 500));"
        "return send(path, asked); }; }"
    )
    with page.expect_response("**/train"):
        page.click("#further")
        page.click("#stop")
        expect(page, "message", "The training has stopped.")
    until(lambda: page.wait_for_timeout(20) or not any(s.is_training for s in server._sessions._sessions.values()))
    assert page.inner_text("#message") == "The training has stopped."


def test_a_training_that_ends_with_the_server_is_not_said_to_be_stopped(visit, page, server):
    visit.expected = "Failed"  # the browser tells of each request
    page.click("#anew")
    until(lambda: len(points(page, "loss-curve")) > 1)
    page.route("**/stop", lambda route: route.abort())
    for session in server._sessions._sessions.values():
        session.end()
    expect(page, "message", re.compile("^The server does not answer"))


def test_a_tab_whose_session_was_dropped_begins_again_and_says_so(visit, server):
    page = visit()
    visit.expected = "410 (Gone)"  # the browser tells of the server's answer
    page.click("#anew")
    page.click("#stop")
    expect(page, "message", "The training has stopped.")
    for _ in range(16):
        server._sessions.open()
    draw(page, SEVEN)
    expect(page, "message", re.compile("^Too many tabs"))
    assert read(page)[0] == 7
    assert page.inner_text("#accuracy") == "97.9%"


def test_the_page_says_so_when_the_server_has_gone(visit):
    page = visit()
    page.route("**/read", lambda route: route.abort())
    visit.expected = "Failed"  # the browser tells of each request
    draw(page, SEVEN)
    expect(page, "message", re.compile("^The server does not answer"))


# --- languages, screens ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("locale", "language"), [("ko-KR", "ko"), ("ja", "ja"), ("en-GB", "en"), ("fr-FR", "en")])
def test_the_language_is_the_browsers_at_first_and_can_be_switched(visit, locale, language):
    page = visit(locale=locale)
    assert page.inner_text("h1").startswith(LANGUAGES[language])
    draw(page, SEVEN)
    assert read(page)[0] == 7
    for name, begin in LANGUAGES.items():
        page.select_option("#language", name)
        assert page.get_attribute("html", "lang") == name
        assert page.inner_text("h1").startswith(begin)
        assert page.locator("#answer strong").inner_text() == "7"
        assert "undefined" not in page.inner_text("body")


def test_every_language_says_everything(page):
    words = page.evaluate(
        "import('/words.js').then(({ words }) => Object.fromEntries(Object.entries(words).map(([name, own]) =>"
        "[name, Object.fromEntries(Object.entries(own).map(([key, say]) =>"
        "[key, typeof say === 'string' ? say : say('<one>', '<two>')]))])))"
    )
    assert words.keys() == LANGUAGES.keys()
    assert words["en"].keys() == words["ko"].keys() == words["ja"].keys()
    for key, english in words["en"].items():
        for name, script in {"ko": r"[가-힣]", "ja": r"[ぁ-んァ-ヶ一-龯]"}.items():
            assert re.search(script, words[name][key]), (name, key)
            for part in ("<one>", "<two>", "28 ?\u00d7 ?28", "784", "W1", "100%"):
                assert bool(re.search(part, words[name][key])) == bool(re.search(part, english)), (name, key, part)
    asked = page.evaluate("[...document.querySelectorAll('[data-say]')].map((each) => each.dataset.say)")
    assert set(asked) <= words["en"].keys()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_is_wider_than_the_screen(visit, language, width):
    page = visit(viewport={"width": width, "height": 844}, locale=language)
    draw(page, SEVEN)
    read(page)
    page.click("#anew")
    until(lambda: len(points(page, "loss-curve")) > 1)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    cut_off = "(each) => each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).position !== 'absolute'"
    places = f"[...document.querySelectorAll('section, p, button')].filter({cut_off})"
    assert page.evaluate(f"{places}.map((each) => each.outerHTML)") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_on_light_and_dark(visit, scheme):
    page = visit(color_scheme=scheme)
    colours = page.evaluate(
        "Object.fromEntries(['page', 'card', 'text', 'note', 'for', 'on-main', 'against'].map((name) =>"
        "[name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()]))"
    )

    def luminance(name):
        channels = np.array([int(colours[name][i : i + 2], 16) for i in (1, 3, 5)]) / 255
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        return linear @ (0.2126, 0.7152, 0.0722)

    def contrast(one, other):
        darker, lighter = sorted([luminance(one), luminance(other)])
        return (lighter + 0.05) / (darker + 0.05)

    assert (luminance("page") > 0.5) == (scheme == "light")
    for pair in ("text page", "text card", "note page", "note card", "on-main for", "for card", "against card"):
        assert contrast(*pair.split()) >= LEAST_CONTRAST, pair


def test_a_screen_reader_hears_of_messages_and_whole_strokes_alone(page):
    """The figures of a training change ten times a second: each change of an <output> would be spoken."""
    live = "[...document.querySelectorAll('output, [aria-live], [role=status], [role=alert], [role=log]')]"
    assert page.evaluate(f"{live}.map((each) => each.id)") == ["message", "spoken"]


def test_bars_are_seen_where_the_user_has_own_colours(visit):
    page = visit(forced_colors="active")
    draw(page, SEVEN)
    assert read(page)[0] == 7
    colours = page.evaluate(
        "['#digits button:nth-child(8) .bar', '#digits button:nth-child(8) .bar span', '.for.key', '.against.key'].map("
        "(place) => getComputedStyle(document.querySelector(place)).backgroundColor)"
    )
    assert len(set(colours)) == 3, colours  # the bar on its ground, and two keys: the bar has the colour of the first


def test_every_control_has_a_name(page):
    unnamed = page.evaluate(
        "[...document.querySelectorAll('button, select, canvas, [role=img]')].filter((each) =>"
        "!(each.labels?.length || each.textContent.trim() || each.getAttribute('aria-label') ||"
        "document.getElementById(each.getAttribute('aria-labelledby'))?.textContent)).map((each) => each.outerHTML)"
    )
    assert unnamed == []
