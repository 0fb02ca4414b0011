"""A small imitation of the hub: tree, files and terms."""

import json
import re
from http.server import BaseHTTPRequestHandler

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Handler(BaseHTTPRequestHandler):
    """The three addresses of the hub that a download requests."""

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        hub = self.server.hub
        if "owner/" not in self.path:  # requests that the library makes by itself
            return self.answer(404, {})
        hub.tokens.add(self.headers.get("Authorization"))
        if found := re.match(r"/api/models/(\w+/\w+)/(revision|tree)/(\w+)", self.path):
            repo, kind, revision = found.groups()
            if repo not in hub.repos:
                return self.answer(401, {"X-Error-Code": "RepoNotFound"})
            if revision not in ("main", COMMIT):
                return self.answer(404, {"X-Error-Code": "RevisionNotFound"})
            files = hub.repos[repo]
            tree = [
                {"type": "file", "path": path, "size": len(data), "oid": f"{abs(hash(path)):040x}"}
                for path, data in files.items()
            ]
            info = {"id": repo, "sha": COMMIT, "siblings": [{"rfilename": path} for path in files]}
            return self.answer(200, {}, json.dumps(info if kind == "revision" else tree).encode())
        repo, path = re.match(rf"/(\w+/\w+)/resolve/{COMMIT}/(.*)", self.path).groups()
        if repo in hub.gated:
            return self.answer(*hub.gated[repo])
        data = hub.repos[repo][path]
        if self.command == "GET":
            hub.downloaded.append(path)
        headers = {"ETag": f'"{abs(hash((repo, path))):040x}"', "X-Repo-Commit": COMMIT}
        return self.answer(200, headers, data)

    def answer(self, status, headers, body=b""):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_):
        pass
