"""A page that says which Python and which packages it runs with."""

import os
import platform
from importlib.metadata import distributions

from flask import Flask, jsonify

app = Flask(__name__)


def packages():
    return {one.name.lower(): one.version for one in distributions()}


@app.get("/")
def page():
    rows = "".join(
        f"<tr><td>{name}</td><td>{version}</td></tr>" for name, version in sorted(packages().items())
    )
    return f"<!doctype html><title>Python</title><h1>Python {platform.python_version()}</h1><table>{rows}</table>"


@app.get("/data.json")
def data():
    return jsonify(
        python=platform.python_version(),
        packages=packages(),
        greeting=os.environ.get("GREETING", "Hello"),
        home=os.environ.get("HOME"),
    )
