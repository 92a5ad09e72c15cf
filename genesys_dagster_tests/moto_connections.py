"""Connections to moto's server that stay open, as those to S3 do: its own takes a new one, and a thread, for each request."""

import io

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.test import run_wsgi_app


class KeptConnection(MotoRequestHandler):
    """Reads a request to its end, so that the next one can begin there."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def handle_expect_100(self):
        goes_on = super().handle_expect_100()
        self.wfile.flush()
        return goes_on

    def run_wsgi(self):
        if self.server.socket.fileno() < 0:
            self.close_connection = True  # stopped: whoever kept a connection finds nobody, either
            return
        environ = self.make_environ()
        is_chunked = "wsgi.input_terminated" in environ
        length = -1 if is_chunked else int(environ.get("CONTENT_LENGTH") or 0)
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(length))
        parts, status, headers = run_wsgi_app(self.server.app, environ, buffered=True)
        self._answer(int(status[:3]), headers, b"".join(parts))

    def _answer(self, status, headers, body):
        has_body = self.command != "HEAD" and status not in {204, 304}
        if has_body:
            headers["Content-Length"] = str(len(body))
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if has_body:
            self.wfile.write(body)
        self.wfile.flush()

    def log_request(self, *_):
        """Not asked for."""
