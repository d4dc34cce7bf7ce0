// Zoom and search in a flame graph.  Every frame is a <g class="f"> of a title, a rect and perhaps a
// text; the title's first line is its name, and the rect as it was drawn says where it stands.
"use strict";
(function () {
    const svg = document.documentElement, width = +svg.dataset.width, left = +svg.dataset.left;
    const charWidth = 6.62, pad = 3;
    const byId = (id) => document.getElementById(id);
    const frames = Array.from(document.querySelectorAll(".f"), (g) => {
        const rect = g.querySelector("rect");
        return {
            g, rect,
            x: +rect.getAttribute("x") - left, w: +rect.getAttribute("width"), y: +rect.getAttribute("y"),
            name: g.querySelector("title").textContent.split("\n")[0],
        };
    });
    let zoomed = frames[0], found = null;

    function write(f, x, w) {
        const room = Math.floor((w - 2 * pad) / charWidth);
        let text = f.g.querySelector("text");
        if (room < 3) {
            if (text) text.remove();
            return;
        }
        if (!text) {
            text = document.createElementNS("http://www.w3.org/2000/svg", "text");
            text.setAttribute("y", f.y + 12);
            f.g.appendChild(text);
        }
        text.setAttribute("x", x + pad);
        text.textContent = f.name.length <= room ? f.name : f.name.slice(0, room - 2) + "..";
    }

    // The frame gets the whole width; what it stands on stays as its way back, the rest goes.
    function zoom(to) {
        zoomed = to;
        const scale = width / to.w, slack = 1e-6 * width;
        for (const f of frames) {
            const below = f.y < to.y && f.x <= to.x + slack && f.x + f.w >= to.x + to.w - slack;
            const within = f.y >= to.y && f.x >= to.x - slack && f.x + f.w <= to.x + to.w + slack;
            f.g.style.display = below || within ? "" : "none";
            f.g.classList.toggle("above", below);
            if (!below && !within)
                continue;
            const x = left + (below ? 0 : (f.x - to.x) * scale), w = below ? width : f.w * scale;
            f.rect.setAttribute("x", x);
            f.rect.setAttribute("width", w);
            write(f, x, w);
        }
        byId("reset").style.display = to === frames[0] ? "none" : "";
        if (found)
            search(found.source);
    }

    // The share that is found counts what lies one above the other once.
    function search(pattern) {
        try {
            found = pattern ? new RegExp(pattern) : null;
        } catch (error) {
            byId("matched").textContent = "not a regular expression: " + pattern;
            return;
        }
        const hits = [];
        for (const f of frames) {
            const hit = found !== null && f !== frames[0] && found.test(f.name);
            f.g.classList.toggle("found", hit);
            if (hit && f.x >= zoomed.x - 1e-6 * width && f.x + f.w <= zoomed.x + zoomed.w + 1e-6 * width)
                hits.push(f);
        }
        hits.sort((a, b) => a.x - b.x);
        let end = -1, sum = 0;
        for (const f of hits) {
            sum += Math.max(0, f.x + f.w - Math.max(f.x, end));
            end = Math.max(end, f.x + f.w);
        }
        byId("matched").textContent = found ? "matched: " + (100 * sum / zoomed.w).toFixed(1) + " %" : "";
        byId("search").textContent = found ? "clear search" : "search";
    }

    function ask() {
        if (found)
            return search("");
        const pattern = prompt("Search for function names (a regular expression):", "");
        if (pattern)
            search(pattern);
    }

    for (const f of frames) {
        const show = () => { byId("details").textContent = f.g.querySelector("title").textContent.replace("\n", "   "); };
        f.g.addEventListener("click", () => zoom(f));
        f.g.addEventListener("mouseover", show);
        f.g.addEventListener("focus", show);
        f.g.addEventListener("keydown", (event) => { if (event.key === "Enter") zoom(f); });
    }
    byId("reset").addEventListener("click", () => zoom(frames[0]));
    byId("search").addEventListener("click", ask);
    window.addEventListener("keydown", (event) => {
        if (event.key === "Escape")
            zoom(frames[0]);
        if (event.key === "/" || ((event.ctrlKey || event.metaKey) && event.key === "f")) {
            event.preventDefault();
            ask();
        }
    });
    byId("search").style.display = "";
    // graph.svg#s=REGEX opens with a search, #z=N zoomed to the N-th frame.
    const wanted = new URLSearchParams(location.hash.slice(1));
    if (frames[wanted.get("z")])
        zoom(frames[wanted.get("z")]);
    if (wanted.get("s"))
        search(wanted.get("s"));
})();
