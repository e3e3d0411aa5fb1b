/// The page of a run: one document with inline style and script, which loads nothing except `/events`.
enum LivePage {
    /// - Parameter hasControl: with the buttons that change the run.
    static func text(hasControl: Bool) -> String {
        head + style + "</style>\n</head>\n<body>\n" + frame + (hasControl ? controls : "") + panels + "<script>\n"
            + script + "</script>\n</body>\n</html>\n"
    }

    private static let head = """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>retort</title>
        <link rel="icon" href="data:,">
        <style>

        """

    private static let frame = """
        <header>
        <p class="brand">RETORT</p>
        <h1 id="title">&nbsp;</h1>
        <p><span class="badge" id="state">connecting</span> <span class="quiet" id="about"></span></p>
        <p class="quiet" id="note" role="status"></p>
        </header>
        <main>
        <div class="bar" id="bar" role="progressbar" aria-label="items" aria-valuemin="0" aria-valuemax="100">\
        <i class="done" id="bar-done"></i><i class="failed" id="bar-failed"></i></div>
        <div class="tiles" id="tiles"></div>
        <section class="card" id="stages-card" hidden><h2>Stages</h2><div id="stages"></div></section>

        """

    private static let controls = """
        <form class="card controls" id="controls" autocomplete="off">
        <label id="stage-label" hidden>stage <select id="stage"><option value="">all</option></select></label>
        <button type="button" data-command="pause">Pause</button>
        <button type="button" data-command="resume">Resume</button>
        <button type="button" data-command="drain">Drain</button>
        <button type="button" data-command="stop" class="danger">Stop</button>
        <button type="button" data-command="explain">Explain</button>
        <label>window <input id="set-concurrency" inputmode="numeric" size="7" placeholder="512"></label>
        <label>requests/s <input id="set-rps" inputmode="decimal" size="5" placeholder="10"></label>
        <label>requests/min <input id="set-rpm" inputmode="decimal" size="5" placeholder="600"></label>
        <label>tokens/min <input id="set-tpm" inputmode="decimal" size="7" placeholder="100000"></label>
        <label>max cost $ <input id="set-max-cost" inputmode="decimal" size="7" placeholder="20"></label>
        <button type="submit">Set</button>
        <label>item <input id="about-id" size="9" placeholder="id"></label>
        <button type="button" data-command="requeue" data-about="id">Requeue</button>
        <label>model <input id="about-model" size="9"></label>
        <button type="button" data-command="hold" data-about="model">Hold</button>
        <button type="button" data-command="release" data-about="model">Release</button>
        <label>token <input id="token" type="password" size="14"></label>
        <output id="reply" class="quiet"></output>
        </form>

        """

    private static let panels = """
        <section class="card"><h2>Servers</h2><div id="endpoints"></div></section>
        <div class="pair">
        <section class="card"><h2>Items per second</h2><div class="chart" id="chart-items"></div></section>
        <section class="card"><h2>Output tokens per second</h2><div class="chart" id="chart-tokens"></div></section>
        <section class="card"><h2>Latency, seconds: <span class="latency">p50</span> <span class="s1">p95</span> \
        <span class="s2">p99</span></h2><div class="chart" id="chart-latency"></div></section>
        <section class="card"><h2><span class="s0">In flight</span> and <span class="s1">window</span></h2><div class="chart" id="chart-window"></div></section>
        <section class="card"><h2>429 responses per second</h2><div class="chart" id="chart-limited"></div></section>
        <section class="card"><h2>HTTP responses</h2><table id="codes"></table></section>
        <section class="card"><h2>Failed items</h2><table id="failures"></table></section>
        <section class="card"><h2>Slowest requests in flight</h2><table id="slow"></table></section>
        </div>
        <section class="card"><h2>Last answers</h2><div id="answers"></div></section>
        <section class="card"><h2>Changes and events</h2><table id="log"></table></section>
        </main>
        <footer id="foot"></footer>

        """
}
