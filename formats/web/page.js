// The page: its parts, and what they have in common.
(function () {
    const data = JSON.parse(byId("data").textContent), s = data.summary;
    const wanted = new URLSearchParams(location.hash.slice(1));

    byId("command").textContent = s.command || s.target;
    byId("about").textContent = [s.version.startsWith(s.runtime) ? s.version : s.runtime + " " + s.version, "ran " + time(s.wall_ns), "on " + s.hostname,
        s.start_realtime_ns ? new Date(s.start_realtime_ns / 1e6).toLocaleString() : ""].filter(Boolean).join(" \u00b7 ");

    function tile(name, value, note) {
        byId("tiles").append(element("div", { class: "tile" }, element("span", { class: "dim" }, name), element("b", {}, value),
            element("span", { class: "dim" }, note)));
    }
    tile("growths", count(s.growths), count(s.shrinks) + " shrinks");
    tile("copied", size(s.bytes_copied), s.growths ? size(s.bytes_copied / (s.growths + s.shrinks)) + " each" : "");
    tile("time copying", time(s.copy_ns), s.copy_share_of_wall === null ? "" : share(s.copy_share_of_wall) + " of wall time");
    tile("coroutines", count(s.coroutines), count(s.coroutines_peak_alive) + " at once");
    tile("stacks", size(s.coroutines_measured ? s.allocated_bytes : s.all_allocated_bytes),
        s.coroutines_measured ? size(s.used_bytes) + " used" : "use not seen");
    tile("wasted", s.waste_ratio === null ? "-" : share(s.waste_ratio),
        "of " + count(s.coroutines_measured) + " coroutines");

    for (const a of data.advice)
        byId("advice").append(element("li", {}, a.text));

    function note(text, bad) {
        byId("notes").append(element("li", bad ? { class: "bad" } : {}, text));
    }
    for (const [reason, n] of Object.entries(s.lost_by_reason))
        if (n)
            note("lost: " + count(n) + " events, " + reason.replaceAll("_", " "), true);
    if (data.damage && (data.damage.truncated || data.damage.bad_blocks || data.damage.missing_records))
        note("the capture is damaged: " + count(data.damage.missing_records) + " records missing" +
            (data.damage.truncated ? ", and whatever was behind the last one" : ""), true);
    for (const text of data.warnings)
        note("warning: " + text, true);
    note("cost of the tracing: " + count(s.probe_hits) + " probe hits, about " + time(s.probe_cost_ns) +
        (s.lost ? "" : "; 0 events lost") + ". Made by stacktrace " + s.tool_version + ".");

    const g = data.graph;
    if (g.left_out)
        byId("left-out").textContent = count(g.left_out) + " frames are left out, each with " +
            (g.largest_left_out < 0.001 ? "less than 0.1 %." : "at most " + share(g.largest_left_out) + ".");
    const flame = new Flame(g, data.weights, byId("flame"), (text) => { byId("details").textContent = text; });
    const timeline = new Timeline(data.timeline, byId("timeline"), (text) => { byId("moment").textContent = text; });
    const tables = new Tables(data.tables, data.by, (name) => search(name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")));

    // --- search, weight, zoom: of the graph and the tables; kept in the address

    function pattern() {
        const text = byId("search").value;
        try {
            return text ? new RegExp(text) : null;
        } catch (error) {
            return undefined;
        }
    }

    function update() {
        const p = pattern(), hash = new URLSearchParams();
        byId("reset").hidden = !flame.zoomed;
        byId("search").setAttribute("aria-invalid", p === undefined);
        if (p === undefined) {
            byId("matched").textContent = "not a regular expression";
            return;
        }
        const part = flame.search(p);
        byId("matched").textContent = p ? "matched: " + share(part) : "";
        tables.filter(p);
        if (flame.chosen)
            hash.set("weight", data.weights[flame.chosen].name);
        if (p)
            hash.set("search", byId("search").value);
        history.replaceState(null, "", "#" + hash);
    }

    function search(text) {
        byId("search").value = text;
        update();
    }

    data.weights.forEach((weight, i) => {
        const input = element("input", { type: "radio", name: "weight", value: weight.name });
        input.addEventListener("change", () => {
            flame.choose(i);
            update();
        });
        byId("weights").append(element("label", {}, input, weight.name));
    });
    const named = data.weights.findIndex((weight) => weight.name === wanted.get("weight"));
    flame.chosen = named < 0 ? data.weight : named;
    byId("weights").querySelectorAll("input")[flame.chosen].checked = true;
    byId("search").value = wanted.get("search") || "";
    byId("search").addEventListener("input", update);
    byId("flame").addEventListener("click", update);
    byId("flame").addEventListener("keyup", (event) => { if (event.key === "Enter") update(); });
    byId("reset").addEventListener("click", () => {
        flame.zoom(0);
        update();
    });
    window.addEventListener("keydown", (event) => {
        if (event.key === "/" && event.target !== byId("search")) {
            event.preventDefault();
            byId("search").focus();
        } else if (event.key === "Escape" && event.target === byId("search") && byId("search").value) {
            search("");
        } else if (event.key === "Escape" && flame.zoomed) {
            flame.zoom(0);
            update();
        }
    });

    // --- colours: as the system has them until another choice is made

    const themes = ["auto", "light", "dark"];
    byId("theme").addEventListener("click", () => {
        const next = themes[(themes.indexOf(document.documentElement.dataset.theme || "auto") + 1) % 3];
        if (next === "auto")
            delete document.documentElement.dataset.theme;
        else
            document.documentElement.dataset.theme = next;
        byId("theme").textContent = "theme: " + next;
    });

    let width = byId("flame").clientWidth;
    new ResizeObserver(() => {
        if (width !== byId("flame").clientWidth) {
            width = byId("flame").clientWidth;
            flame.draw();
            timeline.draw();
        }
    }).observe(document.body);
    timeline.draw();
    update();
})();
