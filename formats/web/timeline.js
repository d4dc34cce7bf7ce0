// Charts over the time of the run, one below the other, with one cursor.
class Timeline {
    constructor(data, box, tell) {
        this.data = data;
        this.box = box;
        this.tell = tell; // called with the text of the slice that is pointed at
        this.count = data.alive.length;
        this.at = -1;
        this.left = 70;
        box.addEventListener("pointermove", (event) => this.point(this.slice(event.clientX)));
        box.addEventListener("keydown", (event) => {
            const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
            if (step && this.count) {
                event.preventDefault();
                this.point(Math.min(this.count - 1, Math.max(0, this.at + step)));
            }
        });
        box.setAttribute("aria-valuemax", Math.max(0, this.count - 1));
    }

    slice(clientX) {
        const x = clientX - this.box.getBoundingClientRect().left - this.left;
        return Math.min(this.count - 1, Math.max(0, Math.floor(x / this.room * this.count)));
    }

    moment(i) {
        return (this.data.start_ns + i * this.data.width_ns) / 1e9;
    }

    point(i) {
        const d = this.data, x = this.left + (i + 0.5) / this.count * this.room;
        if (!this.count)
            return;
        this.at = i;
        this.cursor.setAttribute("x1", x);
        this.cursor.setAttribute("x2", x);
        this.cursor.setAttribute("visibility", "visible");
        const text = this.moment(i).toFixed(6) + " s + " + time(d.width_ns) + ":  stacks " + size(d.stack_bytes[i]) + ", wasted " +
            size(d.wasted_bytes[i]) + ",  " + count(d.alive[i]) + " alive, " + count(d.born[i]) + " born, " + count(d.ended[i]) +
            " ended,  " + count(d.growths[i]) + " growths, " + count(d.shrinks[i]) + " shrinks" +
            (d.switches ? ",  " + count(d.switches[i]) + " switches counted" : "");
        this.box.setAttribute("aria-valuenow", i);
        this.box.setAttribute("aria-valuetext", text);
        this.tell(text);
    }

    x(i) {
        return (this.left + i / this.count * this.room).toFixed(1);
    }

    // An area between two rows of figures, in steps: a figure holds for its slice.
    area(low, high, most, top, height) {
        const y = (v) => (top + height - (most ? v / most : 0) * height).toFixed(1);
        let path = "M" + this.x(0) + "," + y(low(0));
        for (let i = 0; i < this.count; i++)
            path += "V" + y(high(i)) + "H" + this.x(i + 1);
        for (let i = this.count - 1; i >= 0; i--)
            path += "V" + y(low(i)) + "H" + this.x(i);
        return path + "Z";
    }

    chart(svg, top, height, name, write, most, areas) {
        const right = this.left + this.room;
        svg.append(drawing("text", { class: "name", x: this.left, y: top - 6 }, name));
        svg.append(drawing("text", { x: this.left - 8, y: top + 9, "text-anchor": "end" }, write(most)));
        svg.append(drawing("text", { x: this.left - 8, y: top + height, "text-anchor": "end" }, "0"));
        for (const y of [top, top + height])
            svg.append(drawing("line", { class: "grid", x1: this.left, x2: right, y1: y, y2: y }));
        for (const a of areas)
            svg.append(drawing("path", { class: a.name, d: this.area(a.low, a.high, most, top, height) }));
    }

    collections(svg, top, height) {
        const d = this.data, span = this.count * d.width_ns;
        const at = (ns) => this.left + Math.min(1, Math.max(0, (ns - d.start_ns) / span)) * this.room;
        svg.append(drawing("text", { class: "name", x: this.left, y: top - 6 }, "Collections: " + count(d.collections_seen) +
            (d.collections_seen > d.collections.length ? ", the first " + count(d.collections.length) + " drawn" : "")));
        for (const [start, end] of d.collections)
            svg.append(drawing("path", {
                class: "tick-collect area-switches",
                d: "M" + at(start).toFixed(1) + "," + top + "v" + height + "H" + at(end === null ? start : end).toFixed(1) + "v-" + height + "z",
            }));
    }

    axis(svg, y) {
        const first = this.moment(0), last = this.moment(this.count), span = last - first;
        let step = Math.pow(10, Math.floor(Math.log10(span / 6)));
        step *= span / step > 30 ? 5 : span / step > 15 ? 2.5 : span / step > 8 ? 2 : 1;
        for (let t = Math.ceil(first / step) * step; t <= last; t += step) {
            const x = this.left + (t - first) / span * this.room;
            svg.append(drawing("line", { class: "grid", x1: x, x2: x, y1: 18, y2: y - 14 }));
            svg.append(drawing("text", { x, y, "text-anchor": "middle" }, time(Math.round(t * 1e9)).replace(/\.0+ /, " ")));
        }
    }

    draw() {
        const d = this.data, zero = () => 0, max = (a) => a.reduce((m, v) => Math.max(m, v), 0);
        this.room = Math.max(100, this.box.clientWidth - this.left - 12);
        if (!this.count) {
            this.box.replaceChildren(element("p", { class: "dim" }, "Nothing happened."));
            return;
        }
        const charts = [
            ["Stacks of the living: in use or not known (blue), wasted (orange)", size, max(d.stack_bytes), 90, [
                { name: "area-used", low: zero, high: (i) => d.stack_bytes[i] - d.wasted_bytes[i] },
                { name: "area-waste", low: (i) => d.stack_bytes[i] - d.wasted_bytes[i], high: (i) => d.stack_bytes[i] },
            ]],
            ["Coroutines alive", count, max(d.alive), 56, [{ name: "area-alive", low: zero, high: (i) => d.alive[i] }]],
            ["Growths", count, max(d.growths), 56, [{ name: "area-growths", low: zero, high: (i) => d.growths[i] }]],
        ];
        if (d.switches)
            charts.push(["Switches counted in windows", count, max(d.switches), 40, [{ name: "area-switches", low: zero, high: (i) => d.switches[i] }]]);
        const rows = charts.length + (d.collections_seen ? 1 : 0);
        const height = charts.reduce((sum, c) => sum + c[3] + 26, 0) + (rows > charts.length ? 38 : 0) + 26;
        const svg = drawing("svg", { height, role: "presentation" });
        let top = 22;
        this.axis(svg, height - 4);
        for (const [name, write, most, tall, areas] of charts) {
            this.chart(svg, top, tall, name, write, most, areas);
            top += tall + 26;
        }
        if (d.collections_seen)
            this.collections(svg, top, 12);
        this.cursor = drawing("line", { class: "cursor", visibility: "hidden", y1: 10, y2: height - 16 });
        svg.append(this.cursor);
        this.box.replaceChildren(svg);
        if (this.at >= 0)
            this.point(this.at);
    }
}
