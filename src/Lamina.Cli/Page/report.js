'use strict';
(async () => {
  const byId = id => document.getElementById(id);
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
  const kinds = { folder: 0, file: 1, link: 2, other: 3, again: 4, several: 5 };
  const palettes = {
    light: ['#2678b8', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#7d5fb2', '#b3a100'],
    dark: ['#3f93cf', '#e0a526', '#2fb68a', '#d58db6', '#86caf0', '#e67c3c', '#a58bd6', '#cdbb3a'],
  };

  function size(bytes) {
    let unit = 0;
    for (; bytes >= 999.5 && unit < units.length - 1; unit++) bytes /= 1024;
    return `${bytes.toFixed(unit === 0 || bytes >= 9.95 ? 0 : 1)} ${units[unit]}`;
  }
  const number = value => value.toLocaleString('en-US');
  const count = (value, one, many) => `${number(value)} ${value === 1 ? one : many ?? one + 's'}`;

  // All text comes in as text: names of files are not to be trusted.
  function make(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes ?? {})) {
      if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
      else if (value !== null && value !== undefined) element.setAttribute(name, value);
    }
    element.append(...children.filter(child => child !== null));
    return element;
  }

  async function unpack(text) {
    const packed = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
    const view = new DataView(packed.buffer);
    const parts = [];
    for (let at = 0; at < packed.length;) {
      const length = view.getUint32(at, true);
      const stream = new Blob([packed.subarray(at + 4, at + 4 + length)]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
      parts.push(await new Response(stream).arrayBuffer());
      at += 4 + length;
    }
    return new Uint8Array(await new Blob(parts).arrayBuffer());
  }

  // The tree, breadth first: what is in a folder lies together.
  function parse(bytes) {
    const view = new DataView(bytes.buffer);
    let at = 0;
    const column = () => {
      const length = view.getUint32(at, true);
      at += 4 + length;
      return bytes.subarray(at - length, at);
    };
    const numbers = source => {
      let next = 0;
      return () => {
        let value = 0;
        for (let scale = 1; ; scale *= 128) {
          const byte = source[next++];
          value += (byte & 127) * scale;
          if (byte < 128) return value;
        }
      };
    };
    const text = new TextDecoder();
    const facts = JSON.parse(text.decode(column()));
    const kind = column(), heads = numbers(column()), tails = text.decode(column()).split('\n');
    const counts = numbers(column()), sizes = numbers(column()), shares = column(), layers = numbers(column());
    const n = kind.length;
    const tree = {
      kind, names: new Array(n), parent: new Int32Array(n), first: new Int32Array(n), many: new Int32Array(n),
      size: new Float64Array(n), stored: new Float64Array(n), layer: new Uint16Array(n), length: n,
    };
    let name = '', share = 0, free = 1;
    for (let i = 0; i < n; i++) {
      name = name.slice(0, heads()) + tails[i];
      tree.names[i] = name;
      tree.layer[i] = layers();
      if (kind[i] === kinds.folder) {
        tree.first[i] = free;
        tree.many[i] = counts();
        tree.parent.fill(i, free, free += tree.many[i]);
      } else if (kind[i] !== kinds.link && kind[i] !== kinds.other) {
        tree.size[i] = sizes();
        if (kind[i] !== kinds.again) tree.stored[i] = Math.round(tree.size[i] * shares[share++] / 255);
      }
    }
    tree.parent[0] = -1;
    return { facts, tree };
  }

  const { facts, tree } = parse(await unpack(byId('data').textContent));
  const layers = facts.layers, total = facts.total;
  const nameOf = i => tree.kind[i] === kinds.several ? `${tree.names[i].trim()} small files` : tree.names[i];
  function pathOf(i) {
    let path = '';
    for (; tree.parent[i] >= 0; i = tree.parent[i]) path = `/${nameOf(i)}${path}`;
    return path || '/';
  }

  // ---- State, and what follows from it.
  const chosen = new Set();
  let folder = 0, byStored = false, selected = -1, cells = [], sums = new Float64Array(tree.length);
  const isSeen = i => chosen.size === 0 || chosen.has(tree.layer[i]);
  const weightOf = i => byStored ? tree.stored[i] : tree.kind[i] === kinds.again ? 0 : tree.size[i];

  // Of each folder the sum, and by layer.
  const placeOf = new Int32Array(tree.length);
  let folders = 0;
  for (let i = 0; i < tree.length; i++) if (tree.kind[i] === kinds.folder) placeOf[i] = folders++;
  const parts = new Float64Array(folders * layers.length);
  const partsOf = i => parts.subarray(placeOf[i] * layers.length, (placeOf[i] + 1) * layers.length);
  function sum() {
    sums.fill(0);
    parts.fill(0);
    for (let i = tree.length - 1; i > 0; i--) {
      const above = placeOf[tree.parent[i]] * layers.length;
      if (tree.kind[i] === kinds.folder) {
        partsOf(i).forEach((bytes, layer) => { parts[above + layer] += bytes; });
      } else if (isSeen(i)) {
        sums[i] = weightOf(i);
        parts[above + tree.layer[i]] += sums[i];
      }
      sums[tree.parent[i]] += sums[i];
    }
    for (let i = 0; i < tree.length; i++)
      if (tree.kind[i] === kinds.folder) tree.layer[i] = partsOf(i).reduce((best, bytes, layer, of) => bytes > of[best] ? layer : best, 0);
  }

  const darkMedia = matchMedia('(prefers-color-scheme: dark)');
  const isDark = () => (document.documentElement.dataset.theme ?? (darkMedia.matches ? 'dark' : 'light')) === 'dark';
  const colourOf = layer => (isDark() ? palettes.dark : palettes.light)[layer % 8];
  function inkOn(colour) {
    const [r, g, b] = [1, 3, 5].map(at => (parseInt(colour.slice(at, at + 2), 16) / 255) ** 2.2);
    return .2126 * r + .7152 * g + .0722 * b > .2 ? '#16181c' : '#fff';
  }
  function paint(element, layer) {
    element.style.setProperty('--c', colourOf(layer));
    element.style.setProperty('--on', inkOn(colourOf(layer)));
    return element;
  }
  const chip = layer => paint(make('span', { class: 'chip', title: layers[layer].name, 'aria-label': `layer ${layer + 1}` }, `${layer + 1}`), layer);

  // ---- Figures.
  document.title = `${facts.title}: layers`;
  byId('title').textContent = facts.title;
  const bold = (text, name) => make('b', name ? { class: name } : null, text);
  byId('headline').append(bold(size(total.visible + total.hidden)), ` in ${count(layers.length, 'layer')}. `,
    ...(total.hidden > 0 ? [bold(size(total.hidden), 'warn'), ' hidden. ']
      : layers.length > 1 ? ['Nothing is hidden. '] : ['Stored in ', bold(size(total.stored)), '. ']),
    ...(total.saving > 0 ? ['A rebuild saves ', bold(size(total.saving), 'good'), '.'] : layers.length > 1 ? ['A rebuild saves nothing.'] : []));
  if (facts.note) {
    byId('note').textContent = facts.note;
    byId('note').hidden = false;
  }
  for (const [label, value] of [
    ['Seen', size(total.visible)], ['Hidden below others', size(total.hidden)],
    ['There more than once', total.copies === undefined ? 'not compared' : size(total.copies)],
    ['Stored', size(total.stored)], ['Ratio', total.stored > 0 ? ((total.visible + total.hidden) / total.stored).toFixed(2) : '-'],
    ['Files', number(total.files)], ['Folders', number(total.directories)], ['Names', number(total.names)]]) {
    byId('figures').append(make('div', null, make('dt', null, label), make('dd', null, value)));
  }
  byId('foot').textContent = `Made by lamina ${facts.version}. ${facts.folded > 0 ? `${count(facts.folded, 'file')} of less than ` +
    `${size(facts.foldedBelow)} ${facts.folded === 1 ? 'is' : 'are'} shown together by folder and layer, so that the page stays small. ` : ''}` +
    'Sizes are of data, without metadata. This page needs no network.';

  // ---- Layers.
  const largest = Math.max(1, ...layers.map(layer => layer.visible + layer.hidden));
  function showLayers() {
    const list = byId('layers');
    list.classList.toggle('some', chosen.size > 0);
    list.replaceChildren(...layers.map((layer, i) => {
      const part = (bytes, name) => bytes > 0 ? make('i', { class: name }) : null;
      const track = make('span', { class: 'track', 'aria-hidden': 'true' }, part(layer.visible, 'seen'), part(layer.hidden, 'gone'));
      for (const piece of track.children)
        piece.style.width = `${100 * (piece.className === 'seen' ? layer.visible : layer.hidden) / largest}%`;
      const value = (bytes, label, name = '') => make('span', { class: `value ${name}` },
        typeof bytes === 'number' ? size(bytes) : bytes ?? '-', make('small', null, label));
      const button = make('button', {
        type: 'button', class: 'layer', 'aria-pressed': String(chosen.has(i)), 'data-layer': i,
        title: layer.hiddenBy.map((bytes, by) => bytes > 0 ? `${size(bytes)} hidden by layer ${by + 1}` : '').filter(text => text).join('; ') || null,
        onclick: () => {
          if (chosen.has(i)) chosen.delete(i); else chosen.add(i);
          if (chosen.size === layers.length) chosen.clear();
          refresh();
          byId('layers').querySelector(`[data-layer="${i}"]`).focus();
        },
      }, make('span', { class: 'chip' }, `${i + 1}`),
      make('span', { class: 'name', title: layer.name }, layer.label, make('small', null,
        `${layer.kind}${layer.codec ? `, ${layer.codec}` : ''}, ${count(layer.files, 'file')}`)),
      track, value(layer.visible, 'seen', 'first'), value(layer.hidden, 'hidden'), value(layer.unique, 'unique', 'extra'),
      value(layer.shared, 'shared', 'extra'), value(layer.stored, 'stored'),
      value(layer.stored > 0 ? ((layer.visible + layer.hidden) / layer.stored).toFixed(1) : '-', 'ratio', 'extra'));
      return make('li', null, paint(button, i));
    }).reverse());
  }

  // ---- The map: squarified (Bruls, Huizing, van Wijk), folders within folders.
  const canvas = byId('map'), context = canvas.getContext('2d'), headHeight = 19, gap = 1, maxFrames = 7;

  function squarify(items, x, y, w, h, take) {
    let left = items.reduce((all, i) => all + sums[i], 0);
    for (let at = 0; at < items.length && w > 0 && h > 0 && left > 0;) {
      const side = Math.min(w, h), scale = w * h / left;
      let row = 0, end = at, worst = Infinity;
      while (end < items.length) {
        const next = row + sums[items[end]], area = next * scale, high = sums[items[at]] * scale, low = sums[items[end]] * scale;
        const now = Math.max(side * side * high / (area * area), area * area / (side * side * low));
        if (now > worst) break;
        [row, worst] = [next, now];
        end++;
      }
      const thick = Math.min(row * scale / side, Math.max(w, h));
      let along = w <= h ? x : y;
      for (; at < end; at++) {
        const long = side * sums[items[at]] / row;
        if (w <= h) take(items[at], along, y, long, thick); else take(items[at], x, along, thick, long);
        along += long;
      }
      if (w <= h) [y, h] = [y + thick, h - thick]; else [x, w] = [x + thick, w - thick];
      left -= row;
    }
  }

  function childrenOf(i) {
    const list = [];
    for (let child = tree.first[i]; child < tree.first[i] + tree.many[i]; child++)
      if (sums[child] > 0) list.push(child);
    return list.sort((a, b) => sums[b] - sums[a]);
  }

  function onlyFolderIn(i) {
    let found = -1;
    for (let child = tree.first[i]; child < tree.first[i] + tree.many[i]; child++) {
      if (sums[child] === 0) continue;
      if (found >= 0 || tree.kind[child] !== kinds.folder) return -1;
      found = child;
    }
    return found;
  }

  function layOut(i, x, y, w, h, depth) {
    squarify(childrenOf(i), x, y, w, h, (child, cx, cy, cw, ch) => {
      if (cw < 1.2 || ch < 1.2) return;
      const cell = { i: child, x: cx, y: cy, w: cw, h: ch, depth, title: '' };
      cells.push(cell);
      if (tree.kind[child] !== kinds.folder) return;
      // A folder with nothing but a folder in it, and so on, has one frame.
      let inner = child, title = nameOf(child);
      for (let only; (only = onlyFolderIn(inner)) >= 0; title += `/${nameOf(only)}`) inner = only;
      const isFramed = depth < maxFrames && Math.min(cw, ch) > 6 + 10 * depth, hasHead = isFramed && ch > 3.5 * headHeight && cw > 48;
      if (hasHead) cell.title = title;
      const edge = isFramed ? 2 : 0, head = hasHead ? headHeight : edge;
      if (cw > 2 && ch > 2) layOut(inner, cx + edge, cy + head, cw - 2 * edge - (isFramed ? gap : 0), ch - head - edge - (isFramed ? gap : 0), depth + 1);
    });
  }

  function draw() {
    const box = canvas.parentElement, ratio = devicePixelRatio || 1, w = box.clientWidth, h = box.clientHeight;
    canvas.width = w * ratio;
    canvas.height = h * ratio;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    cells = [];
    layOut(folder, 3, 3, w - 6, h - 6, 0);
    const style = getComputedStyle(box), font = getComputedStyle(document.body).fontFamily, dark = isDark();
    context.clearRect(0, 0, w, h);
    context.textBaseline = 'middle';
    for (const cell of cells) {
      const { i, x, y, w: cw, h: ch, depth, title } = cell, isFolder = tree.kind[i] === kinds.folder;
      let ink;
      if (isFolder) {
        context.fillStyle = dark ? `hsl(220 11% ${17 + 3 * Math.min(depth, 5)}%)` : `hsl(40 16% ${95 - 3 * Math.min(depth, 5)}%)`;
        ink = style.color;
        // What is too small to be told apart has the colour of the layer that most of it is of.
        if (cw <= 8 || ch <= 8) context.fillStyle = colourOf(tree.layer[i]);
      } else {
        context.fillStyle = colourOf(tree.layer[i]);
        ink = inkOn(context.fillStyle);
      }
      const left = x, top = y, width = Math.max(cw - gap, 1), height = Math.max(ch - gap, 1);
      if (width > 6 && height > 6) {
        context.beginPath();
        context.roundRect(left, top, width, height, isFolder ? 4 : 2);
        context.fill();
      } else {
        context.fillRect(left, top, width, height);
      }
      if (title || (!isFolder && cw > 46 && ch > 16)) {
        context.save();
        context.beginPath();
        context.rect(left, top, width - 3, height);
        context.clip();
        context.fillStyle = ink;
        context.font = `${isFolder && depth === 0 ? 600 : 400} ${isFolder ? 12 : 11}px ${font}`;
        const line = top + (isFolder ? headHeight / 2 : 10);
        context.fillText(fit(title || nameOf(i), width - 10), left + 5, line);
        if (isFolder) {
          const text = size(sums[i]), wide = context.measureText(text).width;
          if (wide + context.measureText(title).width + 24 < width) {
            context.globalAlpha = .65;
            context.fillText(text, left + width - wide - 6, line);
          }
        } else if (ch > 34) {
          context.globalAlpha = .8;
          context.fillText(size(weightOf(i)), left + 5, line + 14);
        }
        context.restore();
      }
    }
    const mark = cells.find(cell => cell.i === selected);
    if (mark) {
      context.lineWidth = 3;
      context.strokeStyle = dark ? '#fff' : '#000';
      context.strokeRect(mark.x + 1.5, mark.y + 1.5, Math.max(mark.w - 4, 1), Math.max(mark.h - 4, 1));
    }
    canvas.setAttribute('aria-label', `Treemap of ${pathOf(folder)}: ${size(sums[folder])}`);
  }

  function fit(text, width) {
    if (context.measureText(text).width <= width) return text;
    let length = Math.min(text.length, Math.ceil(width / 4));
    while (length > 1 && context.measureText(text.slice(0, length) + '\u2026').width > width) length--;
    return length > 1 ? text.slice(0, length) + '\u2026' : '';
  }

  function describe(i) {
    const isFolder = tree.kind[i] === kinds.folder;
    return [pathOf(i), isFolder ? `${size(sums[i])}, ${count(tree.many[i], 'name')}`
      : `${size(tree.size[i])}, stored in ${size(tree.stored[i])}, layer ${tree.layer[i] + 1} ${layers[tree.layer[i]].label}`];
  }

  function open(i) {
    folder = i;
    selected = -1;
    byId('tip').hidden = true;
    showFolder();
    draw();
  }
  function showFolder() {
    const way = [];
    for (let i = folder; i >= 0; i = tree.parent[i]) way.unshift(i);
    byId('crumbs').replaceChildren(...way.flatMap((i, at) => [
      ...(at > 1 ? [make('span', { 'aria-hidden': 'true' }, '/')] : []),
      make('button', { type: 'button', 'aria-current': i === folder ? 'true' : null, onclick: () => open(i) }, i === 0 ? '/' : nameOf(i))]));
    byId('folder-title').textContent = pathOf(folder);
    const most = 200, items = childrenOf(folder), rows = items.slice(0, most).map(i => {
      const isFolder = tree.kind[i] === kinds.folder, whole = Math.max(sums[folder], 1), meter = make('span', { class: 'meter', 'aria-hidden': 'true' });
      const part = (layer, bytes) => {
        const piece = paint(make('i'), layer);
        piece.style.width = `${100 * bytes / whole}%`;
        meter.append(piece);
      };
      if (isFolder) partsOf(i).forEach((bytes, layer) => { if (bytes > 0) part(layer, bytes); }); else part(tree.layer[i], sums[i]);
      return make('tr', null, make('td', { title: nameOf(i) }, isFolder
        ? make('button', { type: 'button', onclick: () => open(i) }, `${nameOf(i)}/`) : nameOf(i)),
      make('td', null, meter, make('span', { class: 'unseen' }, `${(100 * sums[i] / Math.max(sums[folder], 1)).toFixed(1)} percent`)),
      make('td', { class: 'number' }, size(sums[i])));
    });
    if (items.length > most)
      rows.push(make('tr', null, make('td', { colspan: 3, class: 'soft' }, `and ${number(items.length - most)} smaller`)));
    if (items.length === 0) rows.push(make('tr', null, make('td', { colspan: 3, class: 'soft' }, 'no data')));
    byId('folder').tBodies[0].replaceChildren(...rows);
  }

  function cellAt(event) {
    const box = canvas.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    let found = null;
    for (const cell of cells)
      if (x >= cell.x && x < cell.x + cell.w && y >= cell.y && y < cell.y + cell.h) found = cell;
    return found && { ...found, mouseX: x, mouseY: y };
  }
  canvas.addEventListener('mousemove', event => {
    const cell = cellAt(event), tip = byId('tip');
    tip.hidden = !cell;
    if (!cell) return;
    const [path, about] = describe(cell.i);
    tip.replaceChildren(make('b', null, path), about);
    const box = canvas.parentElement;
    tip.style.left = `${Math.max(4, Math.min(cell.mouseX + 14, box.clientWidth - tip.offsetWidth - 6))}px`;
    tip.style.top = `${cell.mouseY + tip.offsetHeight + 24 < box.clientHeight ? cell.mouseY + 16 : Math.max(4, cell.mouseY - tip.offsetHeight - 10)}px`;
  });
  canvas.addEventListener('mouseleave', () => { byId('tip').hidden = true; });
  canvas.addEventListener('click', event => {
    const cell = cellAt(event);
    if (!cell) return;
    let i = cell.i;
    // One level at a time: what was hit, but no deeper than the folder below the one that is open.
    while (tree.parent[i] !== folder && tree.parent[i] > 0 && tree.parent[tree.parent[i]] !== folder) i = tree.parent[i];
    if (tree.kind[i] !== kinds.folder) i = tree.parent[i];
    if (i !== folder) open(i); else select(cell.i);
  });
  function select(i) {
    selected = i;
    byId('live').textContent = describe(i).join(': ');
    draw();
  }
  canvas.addEventListener('keydown', event => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const top = cells.filter(cell => cell.depth === 0), now = top.find(cell => cell.i === selected);
    if (step && top.length > 0) {
      event.preventDefault();
      if (!now) return select(top[0].i);
      const middle = cell => [cell.x + cell.w / 2, cell.y + cell.h / 2], [x, y] = middle(now);
      let best = null, least = Infinity;
      for (const cell of top) {
        const [cx, cy] = middle(cell), ahead = (cx - x) * step[0] + (cy - y) * step[1], aside = Math.abs((cx - x) * step[1]) + Math.abs((cy - y) * step[0]);
        if (cell !== now && ahead > 1 && ahead + 2 * aside < least) [best, least] = [cell, ahead + 2 * aside];
      }
      if (best) select(best.i);
    } else if (event.key === 'Enter' && now && tree.kind[now.i] === kinds.folder) {
      open(now.i);
      if (cells.length > 0) select(cells[0].i);
    } else if ((event.key === 'Backspace' || event.key === 'Escape') && folder !== 0) {
      event.preventDefault();
      const from = folder;
      open(tree.parent[folder]);
      select(from);
    }
  });

  // ---- Lists.
  const all = [];
  for (let i = 0; i < tree.length; i++) if (tree.kind[i] !== kinds.folder) all.push(i);
  const paths = new Map();
  const pathKept = i => {
    let path = paths.get(i);
    if (path === undefined) paths.set(i, path = pathOf(i));
    return path;
  };
  const words = ['folder', 'file', 'symlink', 'special', 'hard link', 'files'];
  const column = (title, width, value, show, isNumber) => ({ title, width, value, show, isNumber });
  const pathColumn = (path, goes) => column('Path', 'minmax(220px, 1fr)', path, goes, false);
  const sizeColumn = (title, value) => column(title, '86px', value, item => size(value(item)), true);
  const layerColumn = (title, value) => column(title, '52px', value, item => value(item) < 0 ? '' : chip(value(item)), false);
  const plain = path => make('span', { title: path }, path);
  // Where there is no room, folders go before the name.
  function twoParts(path) {
    const at = path.lastIndexOf('/') + 1;
    return [make('span', { class: 'way' }, path.slice(0, at)), make('span', { class: 'last' }, path.slice(at))];
  }
  const wayTo = path => make('span', { class: 'both', title: path }, ...twoParts(path));
  const wayColumn = pathColumn(item => item.path, item => wayTo(item.path));

  const lists = [
    {
      id: 'all', title: 'Files', items: all, sort: [2, -1], layer: i => tree.layer[i], text: pathKept,
      hint: 'Every name that the merged tree shows. A click on a path opens its folder in the map.',
      columns: [layerColumn('Layer', i => tree.layer[i]), pathColumn(pathKept, i => make('button', {
        type: 'button', class: 'both', title: pathKept(i), onclick: () => {
          open(tree.parent[i]);
          select(i);
          byId('map').scrollIntoView({ block: 'center' });
        },
      }, ...twoParts(pathKept(i)))), sizeColumn('Size', i => tree.size[i]),
      column('Stored', '86px', i => tree.stored[i], i => tree.kind[i] === kinds.file || tree.kind[i] === kinds.several ? size(tree.stored[i]) : '', true),
      column('Type', '74px', i => words[tree.kind[i]], i => make('span', { class: 'soft' }, words[tree.kind[i]]), false)],
    },
    {
      id: 'waste', title: 'Hidden', items: facts.waste, more: facts.more.waste, sort: [4, -1], layer: item => item.layer, text: item => item.path,
      hint: 'Data of lower layers that nobody sees any more. Merging to a full image, or building anew, leaves it out.',
      columns: [layerColumn('Of', item => item.layer), wayColumn,
        column('What', '88px', item => item.outcome, item => item.outcome, false), layerColumn('By', item => item.by),
        sizeColumn('Size', item => item.size), sizeColumn('Stored', item => item.stored),
        column('Files', '64px', item => item.files, item => number(item.files), true)],
    },
    {
      id: 'copies', title: 'Copies', items: facts.copies ?? [], more: facts.more.copies, sort: [3, -1],
      layer: item => chosen.size === 0 ? -1 : (item.files.find(copy => chosen.has(copy.layer)) ?? item.files[0]).layer,
      text: item => item.files.map(copy => copy.path).join('\n'),
      hint: 'Files of 4 KiB and more with the same data, each of which takes room for it.',
      columns: [column('Layers', '88px', item => item.files[0].layer,
        item => make('span', null, ...[...new Set(item.files.map(copy => copy.layer))].slice(0, 3).flatMap(layer => [chip(layer), ' '])), false),
      pathColumn(item => item.files[0].path, item => plain(item.files.map(copy => copy.path).join('  =  '))),
      sizeColumn('Each', item => item.size), sizeColumn('Saves', item => item.saving),
      column('Copies', '64px', item => item.files.length, item => number(item.files.length), true)],
    },
    {
      id: 'marks', title: 'Whiteouts', items: facts.marks, more: facts.more.marks, sort: [3, -1], layer: item => item.layer, text: item => item.path,
      hint: 'Marks that delete what lower layers have: whiteouts one name, opaque folders all that was in them.',
      columns: [layerColumn('Layer', item => item.layer), wayColumn, column('Kind', '84px', item => item.kind, item => item.kind, false),
        column('Hides', '86px', item => item.hidden, item => item.hidden > 0 ? size(item.hidden) : 'nothing', true)],
    },
    {
      id: 'privileged', title: 'Set-id', items: facts.privileged, more: facts.more.privileged, sort: [1, 1], layer: item => item.layer,
      text: item => item.path, hint: 'Programs that run with rights of their own: set-user-id, set-group-id, capabilities.',
      columns: [layerColumn('Layer', item => item.layer), wayColumn, column('Mode', '58px', item => item.mode, item => item.mode, false),
        column('Owner', '92px', item => item.uid, item => `${item.uid}:${item.gid}`, false),
        column('Capabilities', 'minmax(120px, 220px)', item => item.capabilities ?? '', item => plain(item.capabilities ?? ''), false)],
    },
    {
      id: 'modules', title: 'Modules', items: facts.modules, more: 0, sort: [1, -1], layer: () => -1, text: item => item.folder,
      hint: 'Kernel modules by folder: most of what an initrd takes.',
      columns: [pathColumn(item => item.folder, item => wayTo(item.folder)), sizeColumn('Size', item => item.size),
        sizeColumn('Stored', item => item.stored), column('Modules', '74px', item => item.count, item => number(item.count), true)],
    },
  ].filter(list => list.items.length > 0 || list.id === 'all' || list.id === 'waste' || (list.id === 'copies' && facts.copies));

  let list = lists[0], shown = [];
  const rowHeight = 32, scroll = byId('scroll');
  byId('tabs').append(...lists.map(one => make('button', {
    type: 'button', role: 'tab', id: `tab-${one.id}`, 'aria-controls': 'list', onclick: () => choose(one),
    onkeydown: event => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = lists[(lists.indexOf(list) + step + lists.length) % lists.length];
      choose(next);
      byId(`tab-${next.id}`).focus();
    },
  }, one.title, make('small', null, number(one.items.length + (one.more ?? 0))))));

  function choose(one) {
    list = one;
    scroll.scrollTop = 0;
    showList();
  }

  function showList() {
    for (const one of lists) {
      const tab = byId(`tab-${one.id}`);
      tab.setAttribute('aria-selected', String(one === list));
      tab.tabIndex = one === list ? 0 : -1;
    }
    byId('list').setAttribute('aria-labelledby', `tab-${list.id}`);
    byId('list-hint').textContent = list.hint;
    byId('table').style.setProperty('--columns', list.columns.map(one => one.width).join(' '));
    byId('table').setAttribute('aria-label', list.title);
    const [at, way] = list.sort;
    byId('head').replaceChildren(...list.columns.map((one, i) => make('span', {
      role: 'columnheader', class: one.isNumber ? 'number' : null, 'aria-sort': i === at ? (way < 0 ? 'descending' : 'ascending') : 'none',
    }, make('button', {
      type: 'button', onclick: () => {
        list.sort = [i, i === at ? -way : one.isNumber ? -1 : 1];
        showList();
        byId('head').children[i].firstChild.focus();
      },
    }, one.title))));
    const wanted = byId('search').value.toLowerCase();
    shown = list.items.filter(item => (chosen.size === 0 || list.layer(item) < 0 || chosen.has(list.layer(item)))
      && (wanted === '' || list.text(item).toLowerCase().includes(wanted)));
    const value = list.columns[at].value;
    shown.sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      return x < y ? -way : x > y ? way : 0;
    });
    byId('rows').style.height = `${shown.length * rowHeight}px`;
    byId('table').setAttribute('aria-rowcount', shown.length + 1);
    byId('count').textContent = `${number(shown.length)} of ${number(list.items.length)}` +
      (list.more > 0 ? `; ${number(list.more)} smaller ones are not in this page, lamina report --json has them` : '');
    showRows();
  }

  function showRows() {
    const first = Math.max(0, Math.floor(scroll.scrollTop / rowHeight) - 4);
    const last = Math.min(shown.length, first + Math.ceil(scroll.clientHeight / rowHeight) + 9);
    byId('rows').replaceChildren(...shown.slice(first, last).map((item, at) => {
      const row = make('div', { class: 'row', role: 'row', 'aria-rowindex': first + at + 2 }, ...list.columns.map(one =>
        make('span', { role: 'cell', class: one.title === 'Path' ? 'path' : one.isNumber ? 'number' : null }, one.show(item))));
      row.style.top = `${(first + at) * rowHeight}px`;
      return row;
    }));
  }
  scroll.addEventListener('scroll', showRows);
  byId('search').addEventListener('input', () => { scroll.scrollTop = 0; showList(); });

  // ---- The rest.
  function refresh() {
    sum();
    showLayers();
    showFolder();
    draw();
    showList();
  }
  function nameTheme() {
    byId('theme').textContent = isDark() ? 'Light' : 'Dark';
  }
  byId('theme').addEventListener('click', () => {
    document.documentElement.dataset.theme = isDark() ? 'light' : 'dark';
    nameTheme();
    refresh();
  });
  darkMedia.addEventListener('change', () => { nameTheme(); refresh(); });
  for (const [id, value] of [['by-size', false], ['by-stored', true]]) {
    byId(id).addEventListener('click', () => {
      byStored = value;
      byId('by-size').setAttribute('aria-pressed', String(!value));
      byId('by-stored').setAttribute('aria-pressed', String(value));
      refresh();
    });
  }
  byId('main').hidden = false;
  nameTheme();
  refresh();
  new ResizeObserver(() => { draw(); showRows(); }).observe(canvas.parentElement);
  document.documentElement.dataset.ready = 'true';
})();
