import CommandLine
import Dataset

/// The common parts of all charts: an accessible title, a grid, labels. In pixels of the drawing's own coordinates; the
/// page scales it.
package struct ChartFrame {
    package var width: Double
    package var height: Double
    package var left = 62.0
    package var right = 14.0
    package var top = 16.0
    package var bottom = 40.0

    package var plotWidth: Double { width - left - right }
    package var plotHeight: Double { height - top - bottom }
    package var baseline: Double { height - bottom }

    /// The vertical position of a value on an axis from 0 to `greatest`.
    package func y(_ value: Double, of greatest: Double) -> Double {
        baseline - (greatest > 0 ? min(1, value / greatest) : 0) * plotHeight
    }

    /// An SVG element of the frame's size with its title and description.
    package func svg(_ markup: inout Markup, title: String, description: String, _ content: (inout Markup) -> Void) {
        markup.element(
            "svg", ["viewBox": "0 0 \(Self.number(width)) \(Self.number(height))", "role": "img", "class": "chart"]
        ) { svg in
            svg.element("title", text: title)
            svg.element("desc", text: description)
            content(&svg)
        }
    }

    /// Horizontal lines with labels, and the base line.
    package func grid(_ svg: inout Markup, ticks: [Double], label: (Double) -> String) {
        let greatest = ticks.last ?? 1
        for tick in ticks {
            let y = y(tick, of: greatest)
            line(&svg, tick == 0 ? "base" : "grid", (left, y), (width - right, y))
            text(&svg, "end", (left - 8, y + 4), label(tick))
        }
    }

    package func line(_ svg: inout Markup, _ style: String, _ a: (Double, Double), _ b: (Double, Double)) {
        svg.element(
            "line",
            [
                "class": style, "x1": Self.number(a.0), "y1": Self.number(a.1), "x2": Self.number(b.0),
                "y2": Self.number(b.1),
            ]
        ) { _ in }
    }

    /// - Parameter anchor: `start`, `middle` or `end`, optionally followed by further classes.
    package func text(_ svg: inout Markup, _ anchor: String, _ at: (Double, Double), _ content: String) {
        svg.element("text", ["class": anchor, "x": Self.number(at.0), "y": Self.number(at.1)], text: content)
    }

    /// A rectangle; `hint` is shown under the pointer.
    package func box(
        _ svg: inout Markup, _ style: String, x: Double, y: Double, width: Double, height: Double, hint: String? = nil
    ) {
        svg.element(
            "rect",
            [
                "class": style, "x": Self.number(x), "y": Self.number(y), "width": Self.number(width),
                "height": Self.number(height),
            ]
        ) { svg in
            if let hint { svg.element("title", text: hint) }
        }
    }

    /// A tenth of a pixel is precise enough.
    package static func number(_ value: Double) -> String { Quantity.trimmed(value, 1) }
}
