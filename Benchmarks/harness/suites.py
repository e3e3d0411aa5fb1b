"""The targets: minutes they may take, and their sections in order."""

import durability
import peers
import pipeline
import programs
import resume
import sandboxed
import scale
import secure
import serving
import storage
import window
from settings import FULL

ALL = {
    "bench": (
        45 if FULL else 15,
        {
            "pipeline": ("The durable pipeline beside wrk", pipeline.section),
            "secure": ("The durable pipeline over HTTPS", secure.section),
            "serve": ("serve beside LiteLLM's proxy", serving.section),
            "window": ("The window against its ideal", window.section),
            "in-flight": ("Many requests in flight", window.in_flight),
            "resume": ("Starting again", resume.section),
            "durability": ("kill -9 at random moments", durability.section),
            "size": ("Size on disk", storage.sizes),
            "lookups": ("Key lookups", storage.lookups),
            "sandbox": ("Code of answers on its tests", sandboxed.section),
            "engine": ("The engine alone", programs.engine),
            "transport": ("The transport alone", programs.transport),
            "transport-secure": ("The transport alone over HTTPS", programs.transport_secure),
            "monitor": ("A page that is open", programs.monitor),
            "store": ("The store alone", programs.store),
        },
    ),
    "peers": (
        100 if FULL else 70,
        {
            "at-once": ("Everybody, without latency", peers.at_once),
            "latency": ("Everybody, with latency", peers.with_latency),
            "structured": ("JSON checked by a schema", peers.structured),
            "kill": ("kill -9 in the middle", peers.kill),
            "resume": ("Starting again", peers.resume),
        },
    ),
    "scale": (
        240 if scale.MOST > 10_000_000 else 90 if FULL else 25,
        {
            "growth": ("What grows with the number of prompts", scale.section),
            "merge": ("Merging stores", scale.merge),
        },
    ),
}
