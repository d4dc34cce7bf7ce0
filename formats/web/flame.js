// The flame graph.  Frames come in the order of a walk, each with its depth; only those that are
// wide enough to be seen are elements of the page, so that a graph may have many more.
class Flame {
    constructor(graph, weights, box, tell) {
        this.graph = graph;
        this.weights = weights;
        this.box = box;
        this.tell = tell; // called with the text of the frame that is pointed at
        this.zoomed = this.focused = 0;
        this.found = null;
        this.link();
        box.addEventListener("click", (event) => this.on(event, (i) => this.zoom(i)));
        box.addEventListener("mouseover", (event) => this.on(event, (i) => this.tell(this.describe(i))));
        box.addEventListener("focusin", (event) => this.on(event, (i) => {
            this.focused = i;
            this.tell(this.describe(i));
        }));
        box.addEventListener("keydown", (event) => this.key(event));
    }

    // Parents, and where each frame's calls end.
    link() {
        const depth = this.graph.depth, open = [];
        this.parent = new Int32Array(depth.length).fill(-1);
        this.end = new Int32Array(depth.length).fill(depth.length);
        for (let i = 0; i < depth.length; i++) {
            while (open.length && depth[open[open.length - 1]] >= depth[i])
                this.end[open.pop()] = i;
            if (open.length)
                this.parent[i] = open[open.length - 1];
            open.push(i);
        }
    }

    on(event, fn) {
        const frame = event.target.closest(".f");
        if (frame)
            fn(+frame.dataset.frame);
    }

    get weight() {
        return this.graph.weight[this.chosen];
    }

    text(i) {
        return this.graph.texts[this.graph.label[i]];
    }

    describe(i) {
        const write = writers[this.weights[this.chosen].type], all = this.weight[0], zoomed = this.weight[this.zoomed];
        let own = this.weight[i];
        for (let k = i + 1; k < this.end[i]; k = this.end[k])
            own -= this.weight[k];
        return this.text(i) + "   " + write(this.weight[i]) + (all ? ", " + share(this.weight[i] / all) : "") +
            (this.zoomed && zoomed ? ", " + share(this.weight[i] / zoomed) + " of what is shown" : "") +
            (own && own !== this.weight[i] ? ", " + write(own) + " in itself" : "");
    }

    choose(weight) {
        this.chosen = weight;
        if (!this.weight[this.zoomed])
            this.zoomed = 0;
        this.draw();
    }

    zoom(i) {
        this.zoomed = this.focused = i;
        this.draw();
        this.tell(this.describe(i));
    }

    // Marks what matches and returns its share of what is shown; what lies one above the other counts once.
    search(pattern) {
        const hits = this.graph.texts.map((text) => pattern !== null && pattern.test(text));
        const shown = this.weight[this.zoomed];
        let sum = 0;
        this.found = pattern === null ? null : hits;
        for (let i = this.zoomed; i < this.end[this.zoomed];) {
            const hit = i && hits[this.graph.label[i]];
            sum += hit ? this.weight[i] : 0;
            i = hit ? this.end[i] : i + 1;
        }
        this.draw();
        return shown ? sum / shown : 0;
    }

    className(i) {
        const kind = this.graph.kinds[this.graph.label[i]], text = this.text(i);
        if (kind !== "function")
            return kind;
        let hash = 5381; // frames of one package have one colour
        const slash = text.lastIndexOf("/") + 1, dot = text.indexOf(".", slash);
        for (let k = 0; k < (dot < 0 ? text.length : dot); k++)
            hash = (hash * 33 + text.charCodeAt(k)) % 65536;
        return "c" + hash % 8;
    }

    // Names differ at their ends: the directories of the package go first.
    fit(text, width) {
        const slash = text.lastIndexOf("/", text.search(/[([ ]|$/));
        return text.length * 7 > width && slash > 0 ? text.slice(slash + 1) : text;
    }

    make(i, x, width, above) {
        const found = this.found && i && this.found[this.graph.label[i]];
        const e = element("div", {
            class: "f " + this.className(i) + (above ? " above" : "") + (found ? " found" : this.found ? " other" : "") +
                (width < 12 ? " thin" : ""),
            role: "treeitem", tabindex: i === this.focused ? 0 : -1, "data-frame": i,
            "aria-label": this.describe(i), "aria-level": this.graph.depth[i] + 1,
        });
        e.style.cssText = "left:" + x.toFixed(2) + "px;top:" + this.graph.depth[i] * 19 + "px;width:" + width.toFixed(2) + "px";
        if (width >= 24)
            e.textContent = this.fit(this.text(i), width);
        return e;
    }

    draw() {
        const room = this.box.clientWidth, narrowest = 0.6, page = document.createDocumentFragment();
        const all = this.weight[this.zoomed], next = []; // next: where the next frame of a depth begins
        let deepest = 0;
        for (let i = this.zoomed; i >= 0; i = this.parent[i])
            page.prepend(this.make(i, 0, room, i !== this.zoomed));
        next[this.graph.depth[this.zoomed] + 1] = 0;
        for (let i = this.zoomed + 1; i < this.end[this.zoomed];) {
            const depth = this.graph.depth[i], x = next[depth], width = all ? this.weight[i] / all * room : 0;
            next[depth] = x + width;
            next[depth + 1] = x;
            if (width < narrowest) {
                i = this.end[i];
                continue;
            }
            page.append(this.make(i, x, width, false));
            deepest = Math.max(deepest, depth);
            i++;
        }
        deepest = Math.max(deepest, this.graph.depth[this.zoomed]);
        const focus = this.box.contains(document.activeElement);
        this.box.style.height = (deepest + 1) * 19 + "px";
        this.box.replaceChildren(page);
        const first = this.shown(this.focused) || this.box.firstChild;
        first.tabIndex = 0;
        if (focus)
            first.focus({ preventScroll: true });
    }

    shown(i) {
        return this.box.querySelector('[data-frame="' + i + '"]');
    }

    // The frame beside in the direction of step, of those that are shown.
    beside(i, step) {
        let found = -1;
        const parent = this.parent[i];
        if (parent < 0)
            return -1;
        for (let k = parent + 1; k < this.end[parent]; k = this.end[k]) {
            if (k === i && step < 0)
                break;
            if (this.shown(k) && (step < 0 || k > i)) {
                found = k;
                if (step > 0)
                    break;
            }
        }
        return found;
    }

    // The widest of what it calls.
    widest(i) {
        let found = -1;
        for (let k = i + 1; k < this.end[i]; k = this.end[k])
            if (this.shown(k) && (found < 0 || this.weight[k] > this.weight[found]))
                found = k;
        return found;
    }

    key(event) {
        const i = this.focused;
        const moves = {
            ArrowUp: () => this.parent[i], ArrowDown: () => this.widest(i),
            ArrowLeft: () => this.beside(i, -1), ArrowRight: () => this.beside(i, 1),
        };
        if (event.key === "Enter" || event.key === " ") {
            this.zoom(i);
        } else if (moves[event.key]) {
            const to = this.shown(moves[event.key]());
            if (to)
                to.focus();
        } else {
            return;
        }
        event.preventDefault();
    }
}
