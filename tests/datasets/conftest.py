"""A web server on this machine that can be told to misbehave, and that lists buckets as S3 does."""

import hashlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import pytest

KEYS_PER_PAGE = 3


class Site:
    """What the server holds and what it was asked.

    `files` maps paths to bytes; `faults` maps a path to a list of faults, one per request to come:
    ``cut=n`` (end the connection after n bytes of the body), ``status=503`` (with ``after=`` for
    Retry-After), ``page=True`` (200 with a web page), ``plain_page=True`` (the same, but called
    binary), ``whole=True`` (ignore the range), ``wrong_range=True``, ``size=n`` (hold only so many
    bytes), ``flip=n`` (damage byte n), ``hang=seconds``.
    """

    def __init__(self):
        self.files, self.faults, self.requests = {}, {}, []
        self.url = ""
        self.lock = threading.Lock()
        self.listing_faults = []
        self.active = self.most_active = 0
        self.slow = 0.0

    def etag(self, path):
        return hashlib.md5(self.files[path]).hexdigest()

    def ranges(self, path):
        return [r for p, r in self.requests if p == path]


PAGE = b"<!DOCTYPE html><html><body>Service unavailable</body></html>"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        site = self.server.site
        parts = urlsplit(self.path)
        path = unquote(parts.path)
        with site.lock:
            site.requests.append((path, self.headers.get("Range")))
            site.active += 1
            site.most_active = max(site.active, site.most_active)
            pending = site.listing_faults if parts.query else site.faults.get(path, [])
            fault = pending.pop(0) if pending else {}
        try:
            time.sleep(fault.get("hang", 0.0) + site.slow)
            if fault.get("status"):
                after = {"Retry-After": str(fault["after"])} if "after" in fault else {}
                self.answer(fault["status"], b"<Error/>", {"Content-Type": "text/xml", **after})
            elif fault.get("page"):
                self.answer(200, PAGE, {"Content-Type": "text/html; charset=utf-8"})
            elif fault.get("plain_page"):
                self.answer(200, PAGE, {"Content-Type": "application/octet-stream"})
            elif "list-type" in parse_qs(parts.query):
                self.list(path, parse_qs(parts.query))
            elif path in site.files:
                self.file(path, fault)
            else:
                self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>", {})
        finally:
            with site.lock:
                site.active -= 1

    def file(self, path, fault):
        site = self.server.site
        content = bytearray(site.files[path][: fault.get("size")])
        if "flip" in fault:
            content[fault["flip"]] ^= 0xFF
        status, start = 200, 0
        asked = self.headers.get("Range")
        headers = {"ETag": f'"{site.etag(path)}"', "Content-Type": "application/octet-stream"}
        current = self.headers.get("If-Range", headers["ETag"]) == headers["ETag"]
        if asked and current and not fault.get("whole"):
            start = int(asked.removeprefix("bytes=").split("-")[0])
            if start >= len(content):
                self.answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
                return
            status = 206
            shown = start + 1 if fault.get("wrong_range") else start
            headers["Content-Range"] = f"bytes {shown}-{len(content) - 1}/{len(content)}"
        self.answer(status, bytes(content[start:]), headers, cut=fault.get("cut"))

    def list(self, path, query):
        site = self.server.site
        bucket = path.rstrip("/") + "/"
        prefix = query["prefix"][0]
        keys = sorted(p.removeprefix(bucket) for p in site.files if p.startswith(bucket + prefix))
        first = int(query.get("continuation-token", ["0"])[0])
        shown, more = keys[first : first + KEYS_PER_PAGE], len(keys) > first + KEYS_PER_PAGE
        entries = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(site.files[bucket + key])}</Size>"
            f"<ETag>&quot;{site.etag(bucket + key)}&quot;</ETag></Contents>"
            for key in shown
        )
        following = f"<NextContinuationToken>{first + KEYS_PER_PAGE}</NextContinuationToken>"
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>'
            '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<IsTruncated>{'true' if more else 'false'}</IsTruncated>{entries}"
            f"{following if more else ''}</ListBucketResult>"
        )
        self.answer(200, body.encode(), {"Content-Type": "application/xml"})

    def answer(self, status, body, headers, cut=None):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body if cut is None else body[:cut])
        if cut is not None:
            self.wfile.flush()
            self.close_connection = True


@pytest.fixture
def site():
    held = Site()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.site = held
    held.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield held
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def pauses():
    """Seconds that a download would have waited."""
    return []
