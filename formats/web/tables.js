// Tables: one at a time, sorted by any column, with only the rows that match the search.
class Tables {
    constructor(tables, first, search) {
        this.tables = tables;
        this.search = search; // called with the name of a function that is clicked at
        this.pattern = null;
        this.tabs = tables.map((table, i) => {
            const tab = element("button", { type: "button", role: "tab", "aria-controls": "table" }, table.title);
            tab.addEventListener("click", () => this.show(i));
            return tab;
        });
        byId("tabs").append(...this.tabs);
        byId("tabs").addEventListener("keydown", (event) => {
            const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
            if (!step)
                return;
            event.preventDefault();
            this.show((this.shown + step + tables.length) % tables.length);
            this.tabs[this.shown].focus();
        });
        this.show(Math.max(0, tables.findIndex((table) => table.by === first)));
    }

    get table() {
        return this.tables[this.shown];
    }

    show(i) {
        this.shown = i;
        this.tabs.forEach((tab, k) => {
            tab.setAttribute("aria-selected", k === i);
            tab.tabIndex = k === i ? 0 : -1;
        });
        this.draw();
    }

    // A column again turns the order round; numbers begin with the largest.
    sort(column) {
        const t = this.table, down = t.columns[column].type !== "text";
        t.down = t.sorted === column ? !t.down : down;
        t.sorted = column;
        this.draw();
        byId("table").querySelectorAll("th button")[column].focus();
    }

    filter(pattern) {
        this.pattern = pattern;
        this.draw();
    }

    rows() {
        const t = this.table, c = t.sorted;
        const texts = t.columns.map((column, i) => column.type === "text" ? i : -1).filter((i) => i >= 0);
        const rows = t.rows.filter((row) => this.pattern === null || !texts.length || texts.some((i) => row[i] !== null && this.pattern.test(row[i])));
        if (c === undefined)
            return rows;
        // what is not known comes last
        const order = (a, b) => a[c] === b[c] ? 0 : a[c] === null ? 1 : b[c] === null ? -1 : (a[c] < b[c] ? -1 : 1) * (t.down ? -1 : 1);
        return rows.sort(order);
    }

    cell(column, value, most) {
        const e = element("td", { class: column.type });
        if (value === null) {
            e.append("-");
        } else if (column.type === "text") {
            const name = value.split(" ")[0], button = element("button", { type: "button", title: "search for it" }, value);
            button.addEventListener("click", () => this.search(name));
            e.append(button);
        } else {
            e.append(writers[column.type](value));
            if (most > 0 && ["count", "size", "time", "share"].includes(column.type))
                e.style.setProperty("--share", (100 * value / most).toFixed(1) + "%");
        }
        return e;
    }

    head() {
        const t = this.table;
        return element("tr", {}, ...t.columns.map((column, i) => {
            const button = element("button", { type: "button" }, column.title);
            const e = element("th", { scope: "col", class: column.type }, button);
            if (t.sorted === i)
                e.setAttribute("aria-sort", t.down ? "descending" : "ascending");
            button.addEventListener("click", () => this.sort(i));
            return e;
        }));
    }

    draw() {
        const t = this.table, rows = this.rows();
        const most = t.columns.map((column, i) => t.rows.reduce((m, row) => Math.max(m, column.type === "text" ? 0 : row[i] || 0), 0));
        const body = element("tbody", {}, ...rows.map((row) =>
            element("tr", {}, ...t.columns.map((column, i) => this.cell(column, row[i], most[i])))));
        byId("table").replaceChildren(element("table", {}, element("thead", {}, this.head()), body));
        byId("rows").textContent = count(rows.length) + " of " + count(t.count) + (t.count === 1 ? " row" : " rows") +
            (t.count > t.rows.length ? "; the page has the first " + count(t.rows.length) : "");
    }
}
