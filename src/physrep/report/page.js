// Everything here is a convenience: without it the page shows all rows and all figures.
(function () {
  "use strict";

  // --- filters of the result tables ---------------------------------------------------------------------------
  var form = document.querySelector("form.filters");
  var tables = Array.prototype.slice.call(document.querySelectorAll("table.scores"));
  function off(node, hide) { node.classList.toggle("off", hide); }
  function choice(name) {
    var field = form && form.elements.namedItem(name);
    return field ? field.value : "";
  }
  function apply() {
    var system = choice("system"), level = choice("level"), probe = choice("probe"), metric = choice("metric");
    tables.forEach(function (table) {
      var away = (system && table.dataset.system !== system) || (level && table.dataset.level !== level);
      off(table.closest(".block"), Boolean(away));
      if (level && !away) { table.closest(".block").open = true; }
      table.querySelectorAll("tr[data-probe]").forEach(function (row) {
        off(row, Boolean(probe) && (probe === "*" ? row.dataset.chosen !== "1" : row.dataset.probe !== probe));
      });
      Array.prototype.forEach.call(table.tBodies, function (body) {
        off(body, !body.querySelector("tr[data-probe]:not(.off)"));
      });
      table.querySelectorAll("[data-metric]").forEach(function (cell) {
        off(cell, Boolean(metric) && cell.dataset.metric !== metric);
      });
      table.querySelectorAll("th.span").forEach(function (cell) { cell.dataset.span = cell.dataset.span || cell.colSpan; cell.colSpan = metric && !cell.dataset.keep ? 1 : Number(cell.dataset.span); });
    });
    var count = tables.reduce(function (sum, table) {
      return sum + (table.closest(".off") ? 0 : table.querySelectorAll("tr[data-probe]:not(.off)").length);
    }, 0);
    var said = form.querySelector("output");
    if (said) { said.value = count + (count === 1 ? " row" : " rows"); }
  }
  if (form) {
    form.hidden = false;
    form.addEventListener("change", apply);
    form.addEventListener("reset", function () { setTimeout(apply, 0); });
    form.addEventListener("submit", function (event) { event.preventDefault(); });
    apply();
  }

  // --- click a heading to sort; the third click restores the order ---------------------------------------------
  function key(cell) {
    var text = (cell.dataset.value !== undefined ? cell.dataset.value : cell.textContent).trim();
    var value = parseFloat(text.replace(/[\s\u2009\u202f]/g, "").replace("\u2212", "-"));
    return isFinite(value) ? value : text.toLowerCase();
  }
  function compare(a, b) {
    if (typeof a === typeof b) { return a < b ? -1 : a > b ? 1 : 0; }
    return typeof a === "number" ? -1 : 1;
  }
  document.querySelectorAll("table").forEach(function (table) {
    var heads = Array.prototype.slice.call(table.querySelectorAll("thead th:not(.span)"));
    var bodies = Array.prototype.slice.call(table.tBodies);
    if (!heads.length || table.querySelectorAll("tbody tr").length < 3) { return; }
    var original = bodies.map(function (body) { return Array.prototype.slice.call(body.rows); });
    heads.forEach(function (head, index) {
      head.classList.add("sortable");
      head.tabIndex = 0;
      head.setAttribute("role", "button");
      function sort() {
        var now = head.getAttribute("aria-sort");
        var next = now === "ascending" ? "descending" : now === "descending" ? null : "ascending";
        heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
        bodies.forEach(function (body, k) { original[k].forEach(function (row) { body.appendChild(row); }); });
        table.classList.toggle("sorted", Boolean(next));
        if (next) {
          head.setAttribute("aria-sort", next);
          var rows = [].concat.apply([], original).filter(function (row) { return !row.classList.contains("group"); });
          var sign = next === "ascending" ? 1 : -1;
          rows.sort(function (a, b) { return sign * compare(key(a.cells[index]), key(b.cells[index])); });
          rows.forEach(function (row) { bodies[0].appendChild(row); });
        }
        if (form && table.classList.contains("scores")) { apply(); }
      }
      head.addEventListener("click", sort);
      head.addEventListener("keydown", function (event) {
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); sort(); }
      });
    });
  });

  // --- paper has nothing to click -------------------------------------------------------------------------------
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (part) { part.open = true; });
  });

  // --- exact values under the pointer ---------------------------------------------------------------------------
  var tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  document.body.appendChild(tip);
  function show(text, event) {
    tip.textContent = text;
    tip.hidden = false;
    var x = Math.min(event.clientX + 12, window.innerWidth - tip.offsetWidth - 8);
    tip.style.left = Math.max(4, x) + "px";
    tip.style.top = Math.max(4, event.clientY - tip.offsetHeight - 10) + "px";
  }
  document.querySelectorAll("svg.plot").forEach(function (svg) {
    // The browser's own tips are slow and cannot be seen on touch screens; ours say the same.
    svg.querySelectorAll("title").forEach(function (title) {
      title.parentNode.setAttribute("data-tip", title.textContent);
      title.remove();
    });
    var curves = Array.prototype.map.call(svg.querySelectorAll("path.curve"), function (line) {
      var numbers = line.getAttribute("d").match(/-?[\d.]+/g).map(Number), places = [];
      for (var i = 0; i + 1 < numbers.length; i += 2) { places.push([numbers[i], numbers[i + 1]]); }
      return {
        name: line.dataset.name,
        places: places,
        values: line.dataset.values.split(" ").map(function (pair) { return pair.split(","); })
      };
    });
    function nearest(event) {
      var point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      var best = 100, said = "";
      curves.forEach(function (curve) {
        curve.places.forEach(function (place, i) {
          var far = Math.pow(place[0] - point.x, 2) + Math.pow(place[1] - point.y, 2);
          if (far < best) {
            best = far;
            if (!curve.values[i]) { return; }
            said = curve.name + " " + curve.values[i][1] + " at step " + curve.values[i][0];
          }
        });
      });
      return said;
    }
    function move(event) {
      var mark = event.target.closest("[data-tip]");
      var text = mark ? mark.getAttribute("data-tip") : curves.length ? nearest(event) : "";
      if (text) { show(text, event); } else { tip.hidden = true; }
    }
    svg.addEventListener("pointermove", move);
    svg.addEventListener("pointerdown", move);
    svg.addEventListener("pointerleave", function () { tip.hidden = true; });
  });
})();
