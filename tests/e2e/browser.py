# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium, told what to do through its debugging pipe."""
import base64
import contextlib
import fcntl
import json
import os
import pathlib
import select
import shutil
import subprocess
import time

PROGRAM = shutil.which("chromium")


class Browser:
    def __init__(self, folder):
        # Chromium reads from its descriptor 3 and writes to 4; so ours are none of these.
        ends = [*os.pipe(), *os.pipe()]
        ours_in, self.to, self.back, ours_out = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
        for end in ends:
            os.close(end)
        self.process = subprocess.Popen(
            ["bash", "-c", 'exec 3<&"$1" 4>&"$2"; shift 2; exec "$@"', "bash", str(ours_in), str(ours_out), PROGRAM,
             "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--remote-debugging-pipe", "--user-data-dir=%s" % folder,
             "about:blank"], pass_fds=(ours_in, ours_out), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env=dict(os.environ, HOME=str(folder)))
        os.close(ours_in)
        os.close(ours_out)
        self.buffer, self.number, self.session = b"", 0, None
        self.events = []
        target = self("Target.createTarget", url="about:blank")["targetId"]
        self.session = self("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self(domain + ".enable")

    def read(self, seconds):
        end = time.monotonic() + seconds
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.back], [], [], max(0, end - time.monotonic()))
            assert ready, "the browser is silent"
            data = os.read(self.back, 1 << 20)
            assert data, "the browser ended"
            self.buffer += data
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def __call__(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.read(120)
            if answer.get("id") == self.number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def wait(self, method, seconds=60):
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self.read(seconds))

    def open(self, path):
        """How many seconds it takes until it is drawn."""
        self.events.clear()
        begin = time.monotonic()
        self("Page.navigate", url=pathlib.Path(path).as_uri())
        self.wait("Page.loadEventFired")
        self.run("new Promise(f=>requestAnimationFrame(()=>requestAnimationFrame(f)))")
        return time.monotonic() - begin

    def run(self, script):
        answer = self("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def look(self, **features):
        """look(prefers_color_scheme="dark")"""
        media = features.pop("media", "")
        self("Emulation.setEmulatedMedia", media=media, features=[
            {"name": name.replace("_", "-"), "value": value} for name, value in features.items()])

    def size(self, width, height):
        self("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def key(self, name, text=""):
        codes = {"Tab": 9, "Enter": 13, "Escape": 27}
        code = codes.get(name, 0)
        more = {"text": text} if text else {}
        for kind in ("keyDown", "keyUp"):
            self("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code,
                 **(more if kind == "keyDown" else {}))

    def type(self, text):
        self("Input.insertText", text=text)

    def picture(self, path, selector=None):
        clip = {}
        if selector:
            box = self.run("(()=>{const r=document.querySelector(%s).getBoundingClientRect();return [r.x,r.y+scrollY,"
                           "r.width,r.height]})()" % json.dumps(selector))
            clip = {"clip": dict(zip(("x", "y", "width", "height"), box), scale=1), "captureBeyondViewport": True}
        pathlib.Path(path).write_bytes(base64.b64decode(self("Page.captureScreenshot", **clip)["data"]))

    def pdf(self, path):
        pathlib.Path(path).write_bytes(base64.b64decode(self("Page.printToPDF", printBackground=True)["data"]))

    @property
    def complaints(self):
        """What the console says, and every request but for the page itself."""
        found = []
        for event in self.events:
            method, params = event.get("method"), event.get("params", {})
            if method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"):
                found.append(params)
            elif method == "Network.requestWillBeSent" and not params["request"]["url"].startswith(("file:", "data:")):
                found.append(params["request"]["url"])
        return found

    def close(self):
        with contextlib.suppress(OSError, AssertionError):
            self.session = None
            self("Browser.close")
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.to)
        os.close(self.back)
