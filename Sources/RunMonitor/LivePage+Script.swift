extension LivePage {
    /// Everything that comes from the run is set as text, never as markup.
    static let script = #"""
        "use strict";
        const at = id => document.getElementById(id);
        const query = new URLSearchParams(location.search).get("token");
        const fromHash = new URLSearchParams(location.hash.slice(1)).get("token");
        if (fromHash) history.replaceState(null, "", location.pathname + location.search);
        let token = fromHash || query || sessionStorage.getItem("retort-token") || "";
        if (token) sessionStorage.setItem("retort-token", token);

        function make(tag, text, name) {
          const node = document.createElement(tag);
          if (text !== undefined) node.textContent = text;
          if (name) node.className = name;
          return node;
        }
        function count(n) {
          if (n === null || n === undefined) return "\u2013";
          if (n < 1e5) return Math.round(n).toLocaleString("en");
          const units = ["", "k", "M", "G", "T", "P"];
          let unit = 0;
          while (n >= 1000 && unit < units.length - 1) { n /= 1000; unit++; }
          return n.toFixed(n < 10 ? 2 : n < 100 ? 1 : 0) + units[unit];
        }
        const rate = n => n === null || n === undefined ? "\u2013" : n < 10 ? n.toFixed(2) : n < 100 ? n.toFixed(1) : count(n);
        const money = n => n === null || n === undefined ? "\u2013" : "$" + (n < 1 ? n.toFixed(4) : n.toFixed(2));
        function time(s) {
          if (s === null || s === undefined) return "\u2013";
          if (s < 1) return Math.round(s * 1000) + " ms";
          if (s < 100) return s.toFixed(1) + " s";
          const d = Math.floor(s / 86400), h = Math.floor(s / 3600) % 24, m = Math.floor(s / 60) % 60;
          return d ? d + "d " + h + "h" : h ? h + "h " + m + "m" : m + "m " + Math.floor(s % 60) + "s";
        }
        const clock = unix => new Date(unix * 1000).toLocaleTimeString();

        function tiles(s) {
          const i = s.items, w = s.window, c = s.cost;
          const share = i.total ? (100 * (i.done + i.failed) / i.total).toFixed(1) + "%" : "";
          const list = [
            ["items", count(i.done) + (i.total === null ? "" : " of " + count(i.total)), share],
            ["failed", count(i.failed), i.pending === null ? "" : count(i.pending) + " pending"],
            ["items/s", rate(s.rate.items), time(s.elapsed) + " elapsed"],
            ["time left", time(s.remaining), ""],
            ["tokens out", count(s.tokens.completion), count(s.tokens.prompt) + " in"],
            ["tokens/s", rate(s.rate.tokens), ""],
            ["latency p50", time(s.latency.p50), "p95 " + time(s.latency.p95) + ", p99 " + time(s.latency.p99)],
            ["in flight", count(w.in_flight), "window " + count(w.limit) + " of " + count(w.max)],
            ["retries waiting", count(w.waiting), count(s.rate_limited) + " times 429"],
            ["cost", money(c.spent), c.cap === null ? "no cap" : "cap " + money(c.cap)],
          ];
          if (s.hedges) list.push(
            ["hedged", count(s.hedges.sent), count(s.hedges.won) + " answered first"]);
          at("tiles").replaceChildren(...list.map(([name, value, more]) => {
            const tile = make("div", undefined, "tile");
            tile.append(make("p", name, "name"), make("p", value, "value"), make("p", more || "\u00a0", "quiet"));
            return tile;
          }));
          // Without a total there is no share to show.
          at("bar").classList.toggle("unknown", i.total === null);
          const all = i.total || i.done + i.failed || 1;
          at("bar-done").style.width = 100 * i.done / all + "%";
          at("bar-failed").style.width = 100 * i.failed / all + "%";
          at("bar").setAttribute("aria-valuenow", Math.round(100 * (i.done + i.failed) / all));
        }

        function line(name, badge, parts, note, share) {
          const node = make("div", undefined, "line");
          const head = make("p");
          head.append(make("b", name), " ", make("span", badge.replaceAll("_", " "), "badge " + badge));
          node.append(head, make("p", parts.filter(Boolean).join(" \u00b7 "), "quiet"));
          if (share) {
            const bar = make("div", undefined, "bar small");
            for (const [name, part] of share) {
              const piece = make("i", undefined, name);
              piece.style.width = 100 * part + "%";
              bar.append(piece);
            }
            node.append(bar);
          }
          if (note) node.append(make("p", note, "quiet"));
          return node;
        }

        function stages(s) {
          at("stages-card").hidden = !s.stages.length;
          at("stages").replaceChildren(...s.stages.map(stage => {
            // The final size of its source is unknown while the source runs: its current size is used.
            const i = stage.items, source = s.stages.find(other => other.name === stage.from);
            const all = Math.max(i.total || (source ? source.items.done : 0), i.done + i.failed, 1);
            return line(stage.name, stage.state, [
              stage.from && "from " + stage.from,
              count(i.done) + (i.total === null ? "" : " of " + count(i.total)) + " done",
              i.failed ? count(i.failed) + " failed" : "", rate(stage.rate) + " items/s",
              count(stage.in_flight) + " in flight, window " + count(stage.limit),
              stage.cost === null ? "" : money(stage.cost),
            ], stage.note, [["done", i.done / all], ["failed", i.failed / all]]);
          }));
          const choice = at("stage");
          if (choice && choice.options.length !== s.stages.length + 1) {
            at("stage-label").hidden = !s.stages.length;
            choice.replaceChildren(new Option("all", ""), ...s.stages.map(stage => new Option(stage.name, stage.name)));
          }
        }

        // Rates come from the counts of some seconds ago.
        const seen = [], seenSeconds = 10;
        function endpoints(s) {
          const now = performance.now() / 1000, counts = new Map(s.endpoints.map(e => [e.name, e.requests]));
          while (seen.length && now - seen[0].at > seenSeconds) seen.shift();
          const first = seen[0];
          seen.push({ at: now, counts });
          at("endpoints").replaceChildren(...s.endpoints.map(e => {
            const before = first && first.counts.get(e.name);
            const pace = before === undefined || now - first.at < 0.4 ? null : (e.requests - before) / (now - first.at);
            return line(e.name, e.state, [
              pace === null ? "" : rate(Math.max(0, pace)) + " requests/s", count(e.answers) + " answers",
              count(e.in_flight) + " in flight, window " + count(e.concurrency),
              count(e.rate_limited) + " times 429", e.failures ? count(e.failures) + " failures" : "",
              e.latency_ms_mean ? time(e.latency_ms_mean / 1000) + " each" : "",
            ], e.state === "up" ? "" : e.last_error);
          }));
        }

        const ns = "http://www.w3.org/2000/svg";
        function svg(tag, attributes, text) {
          const node = document.createElementNS(ns, tag);
          for (const name in attributes) node.setAttribute(name, attributes[name]);
          if (text !== undefined) node.textContent = text;
          return node;
        }
        function chart(id, history, series) {
          const box = at(id), width = Math.max(200, box.clientWidth), height = 136, left = 44, bottom = 18, top = 8;
          const values = series.flatMap(([name]) => history[name]).filter(v => v !== null);
          const max = Math.max(...values, 0) || 1, steps = Math.max(1, history.items.length - 1);
          const x = n => left + (width - left - 4) * n / steps;
          const y = v => height - bottom - (height - bottom - top) * v / max;
          const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img" });
          for (const part of [0, 0.5, 1]) {
            root.append(svg("line", { class: "grid", x1: left, x2: width, y1: y(max * part), y2: y(max * part) }));
            root.append(svg("text", { x: left - 6, y: y(max * part) + 4, "text-anchor": "end" }, rate(max * part)));
          }
          const length = history.step * (history.items.length - 1);
          root.append(svg("text", { x: left, y: height - 3 }, length > 0 ? time(length) + " ago" : ""));
          root.append(svg("text", { x: width - 4, y: height - 3, "text-anchor": "end" }, clock(history.end)));
          for (const [name, style] of series) {
            let path = "", pen = "M";
            history[name].forEach((v, n) => {
              if (v === null) { pen = "M"; return; }
              path += pen + x(n).toFixed(1) + " " + y(v).toFixed(1);
              pen = "L";
            });
            // A single value is a dot.
            if (path && !path.includes("L")) path += "h1";
            root.append(svg("path", { class: style, d: path }));
          }
          box.replaceChildren(root);
        }

        function rows(id, list, empty) {
          const table = at(id);
          if (!list.length) list = [[[empty, "quiet"]]];
          table.replaceChildren(...list.map(cells => {
            const row = make("tr");
            row.append(...cells.map(([text, name]) => make("td", text, name)));
            return row;
          }));
        }

        function draw(s) {
          document.title = (s.items.total ? Math.floor(100 * (s.items.done + s.items.failed) / s.items.total) + "% " : "") + s.title;
          at("title").textContent = s.title;
          at("state").textContent = s.state;
          at("state").className = "badge " + s.state;
          at("about").textContent = [s.command, s.model, s.server].filter(Boolean).join(" \u00b7 ");
          at("note").textContent = s.note;
          tiles(s);
          stages(s);
          endpoints(s);
          chart("chart-items", s.history, [["items", "s0"]]);
          chart("chart-tokens", s.history, [["tokens", "tokens"]]);
          chart("chart-latency", s.history, [["p99", "s2"], ["p95", "s1"], ["p50", "latency"]]);
          chart("chart-window", s.history, [["limit", "s1"], ["in_flight", "s0"]]);
          chart("chart-limited", s.history, [["limited", "s2"]]);
          rows("codes", s.codes.map(c => [[c.code, "name"], [count(c.count), "number"]]), "none yet");
          rows("failures", s.failures.map(f => [[f.class, "name"], [count(f.count), "number"],
            [(f.id ? f.id + ": " : "") + f.message, ""]]), "none");
          rows("slow", s.slow.map(r => [[time(r.seconds), "number"], [r.text, ""]]), "none");
          rows("log", s.log.map(e => [[clock(e.time), "name"], [e.text, ""]]), "none");
          at("answers").replaceChildren(...(s.answers.length ? s.answers.flatMap(a => [
            make("p", a.id + (a.seconds === null ? "" : " \u00b7 " + time(a.seconds)) + " \u00b7 " + count(a.tokens) + " tokens", "quiet"),
            make("pre", a.text)]) : [make("p", "none yet", "quiet")]));
          at("foot").textContent = "retort " + s.version + ", as of " + clock(s.updated);
        }

        let last = null, source = null, isOver = false;
        function connect() {
          source = new EventSource("events" + (query ? "?token=" + encodeURIComponent(query) : ""));
          source.onmessage = event => {
            last = JSON.parse(event.data);
            isOver = last.state === "ended" || last.state === "stopped";
            if (isOver && !last.follows) source.close();
            if (!document.hidden) draw(last);
          };
          source.onerror = () => {
            if (isOver) { source.close(); return; }
            at("state").textContent = "no connection";
            at("state").className = "badge lost";
            // The browser tries again by itself, unless the server has refused.
            if (source.readyState === EventSource.CLOSED) setTimeout(connect, 3000);
          };
        }
        document.addEventListener("visibilitychange", () => { if (!document.hidden && last) draw(last); });
        addEventListener("resize", () => { if (last) draw(last); });

        async function send(command) {
          const reply = at("reply");
          if (at("stage").value) command.stage = at("stage").value;
          try {
            const answer = await fetch("control", { method: "POST", body: JSON.stringify(command),
              headers: { "content-type": "application/json", authorization: "Bearer " + token } });
            const text = await answer.text();
            let message = text;
            try { const value = JSON.parse(text); message = value.error || value.message || text; } catch (e) {}
            reply.textContent = message.trim();
          } catch (error) { reply.textContent = "the run does not answer"; }
        }
        const controls = at("controls");
        if (controls) {
          at("token").value = token;
          at("token").addEventListener("change", event => {
            token = event.target.value.trim();
            sessionStorage.setItem("retort-token", token);
          });
          for (const button of controls.querySelectorAll("[data-command]")) {
            button.addEventListener("click", () => {
              const command = button.dataset.command;
              if (command === "stop" && !confirm("Stop the run now? Requests in flight are given up.")) return;
              const about = button.dataset.about;
              send(about ? { command, [about]: at("about-" + about).value.trim() } : { command });
            });
          }
          controls.addEventListener("submit", event => {
            event.preventDefault();
            const set = {};
            for (const name of ["concurrency", "rps", "rpm", "tpm", "max-cost"]) {
              const text = at("set-" + name).value.trim();
              if (text) set[name] = text;
            }
            send({ command: "set", set });
          });
        }
        connect();

        """#
}
