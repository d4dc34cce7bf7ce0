#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""browser.py FILE[#FRAGMENT] <COMMANDS: a page in a real, headless Chromium, without a network.
browser.py --check: whether there is one.

Commands, one a line:

    open FILE[#FRAGMENT]    another page
    eval EXPRESSION     prints its value as JSON
    do STATEMENTS       runs them
    await EXPRESSION    waits until it is true
    click EXPRESSION    a press and release of the mouse in the middle of the element it gives
    answer TEXT         what the next prompt() of the page gets
    type TEXT           characters into what has the focus
    key NAME            a key, such as Escape, Enter, ArrowDown or /
    dark | light        what the system prefers
    shot FILE           a picture

Speaks the DevTools protocol over a pipe: no port, no library.  Ends with status 1 and a message when
the page throws or logs an error, or anything is not on the list; requests to a network are errors too.
"""

import base64
import json
import os
import pathlib
import select
import shutil
import subprocess
import sys
import tempfile
import time

PATIENCE = 60  # seconds for one answer


class Failure(Exception):
    pass


class Browser:
    def __init__(self, program, profile):
        to_read, self.to = os.pipe()
        self.by, from_write = os.pipe()

        def pass_pipes():  # Chromium reads from 3 and writes to 4
            a, b = os.dup(to_read), os.dup(from_write)
            os.dup2(a, 3)
            os.dup2(b, 4)

        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions",
             "--disable-dev-shm-usage", "--user-data-dir=" + profile, "--remote-debugging-pipe", "--window-size=1300,900",
             "about:blank"],
            preexec_fn=pass_pipes, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(from_write)
        self.number, self.session, self.rest = 0, None, b""
        self.answer, self.errors = "", []

    def message(self):
        limit = time.monotonic() + PATIENCE
        while b"\0" not in self.rest:
            if not select.select([self.by], [], [], max(0, limit - time.monotonic()))[0]:
                raise Failure("the browser does not answer")
            piece = os.read(self.by, 1 << 16)
            if not piece:
                raise Failure("the browser ended")
            self.rest += piece
        text, self.rest = self.rest.split(b"\0", 1)
        return json.loads(text)

    def event(self, m):
        method, p = m.get("method"), m.get("params", {})
        if method == "Page.javascriptDialogOpening":
            self.send("Page.handleJavaScriptDialog", accept=True, promptText=self.answer)
        elif method == "Runtime.exceptionThrown":
            self.errors.append(p["exceptionDetails"].get("exception", {}).get("description", "exception"))
        elif method == "Runtime.consoleAPICalled" and p["type"] in ("error", "assert"):
            self.errors.append("logs " + json.dumps([a.get("value", a.get("description")) for a in p["args"]]))
        elif method == "Log.entryAdded" and p["entry"]["level"] == "error":
            self.errors.append("logs " + p["entry"]["text"])
        elif method == "Network.requestWillBeSent" and not p["request"]["url"].startswith(("file:", "data:", "blob:")):
            self.errors.append("asks for " + p["request"]["url"])

    def send(self, method, **params):
        self.number += 1
        m = {"id": self.number, "method": method, "params": params}
        if self.session:
            m["sessionId"] = self.session
        os.write(self.to, json.dumps(m).encode() + b"\0")
        return self.number

    def call(self, method, **params):
        number = self.send(method, **params)
        while True:
            m = self.message()
            if m.get("id") == number:
                if "error" in m:
                    raise Failure("%s: %s" % (method, m["error"]["message"]))
                return m["result"]
            self.event(m)

    def start(self):
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(t for t in targets if t["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(domain + ".enable")

    def open(self, file):
        path, _, fragment = file.partition("#")
        address = pathlib.Path(path).resolve().as_uri()
        for url in ("about:blank", address + ("#" + fragment if fragment else "")):  # a fragment alone loads nothing
            self.call("Page.navigate", url=url)
            self.wait("document.readyState === 'complete' && location.href.startsWith(%s)" % json.dumps(url.partition("#")[0]))

    def eval(self, expression):
        r = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in r:
            raise Failure("%s: %s" % (expression, r["exceptionDetails"]["exception"].get("description", "exception")))
        return r["result"].get("value")

    def wait(self, expression):
        limit = time.monotonic() + PATIENCE
        while True:
            try:
                if self.eval(expression):
                    return
            except Failure as failure:
                if "context was destroyed" not in str(failure):  # by going to another page
                    raise
            if time.monotonic() > limit:
                raise Failure("never true: " + expression)
            time.sleep(0.05)

    def click(self, expression):
        at = self.eval("(() => { const e = %s; e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect();"
                       " return [r.x + r.width / 2, r.y + r.height / 2]; })()" % expression)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=at[0], y=at[1], button="left", clickCount=1)

    def key(self, name):
        text = name if len(name) == 1 else "\r" if name == "Enter" else ""
        self.call("Input.dispatchKeyEvent", type="keyDown", key=name, text=text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=name)

    def prefer(self, scheme):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def shot(self, path):
        data = self.call("Page.captureScreenshot", format="png")["data"]
        pathlib.Path(path).write_bytes(base64.b64decode(data))

    def do(self, line):
        word, _, rest = line.partition(" ")
        if word == "open":
            self.open(rest)
        elif word == "eval":
            print(json.dumps(self.eval(rest)))
        elif word == "do":
            self.eval("(() => { %s; })()" % rest)
        elif word == "await":
            self.wait(rest)
        elif word == "click":
            self.click(rest)
        elif word == "answer":
            self.answer = rest
        elif word == "type":
            self.call("Input.insertText", text=rest)
        elif word == "key":
            self.key(rest)
        elif word in ("dark", "light"):
            self.prefer(word)
        elif word == "shot":
            self.shot(rest)
        else:
            raise Failure("no command '%s'" % word)

    def close(self):
        self.process.kill()
        self.process.wait()


def main():
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not program:
        sys.exit("browser.py: no Chromium")
    if sys.argv[1] == "--check":
        return
    profile = tempfile.mkdtemp()
    browser = Browser(program, profile)
    try:
        browser.start()
        browser.open(sys.argv[1])
        for line in sys.stdin.read().splitlines():
            if line.strip():
                browser.do(line)
        browser.eval("0")  # events on their way
        if browser.errors:
            raise Failure("; ".join(browser.errors))
    except Failure as failure:
        sys.exit("browser.py: %s" % failure)
    finally:
        browser.close()
        shutil.rmtree(profile, ignore_errors=True)


if __name__ == "__main__":
    main()
