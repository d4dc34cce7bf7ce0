// Numbers as the text report writes them, and elements.
function count(n) {
    return n.toLocaleString("en-US", { maximumFractionDigits: 0 });
}

// Three digits that say something.
function digits(n) {
    return n >= 100 ? n.toFixed(0) : n >= 10 ? n.toFixed(1) : n.toFixed(2);
}

function scaled(n, units, step) {
    let unit = 0;
    while (n >= (unit + 1 < units.length ? step : Infinity)) {
        n /= step;
        unit++;
    }
    return (unit ? digits(n) : count(n)) + " " + units[unit];
}

function size(n) {
    return scaled(n, ["B", "KiB", "MiB", "GiB", "TiB", "PiB"], 1024);
}

function time(ns) {
    return scaled(ns, ["ns", "\u00b5s", "ms", "s"], 1000);
}

function share(part) {
    return part > 0 && part < 0.001 ? "<0.1 %" : (100 * part).toFixed(1) + " %";
}

// The size of a stack: a power of two, exactly.
function stack(n) {
    for (const [unit, letter] of [[1 << 30, "G"], [1 << 20, "M"], [1 << 10, "K"]])
        if (n >= unit && n % unit === 0)
            return n / unit + letter;
    return String(n);
}

const writers = {
    count, size, time, share, stack,
    number: String,
    start: (ns) => (ns / 1e9).toFixed(6),
    mark: (n) => n ? "\u2605" : "",
    text: String,
};

// element("p", { class: "dim" }, "text", otherElement)
function element(name, attributes, ...children) {
    const e = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {}))
        e.setAttribute(key, value);
    e.append(...children);
    return e;
}

function drawing(name, attributes, text) {
    const e = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes))
        e.setAttribute(key, value);
    if (text !== undefined)
        e.textContent = text;
    return e;
}

function byId(id) {
    return document.getElementById(id);
}
