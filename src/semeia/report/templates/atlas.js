const cards = [...document.querySelectorAll("article.signature")];
const box = document.querySelector("#search");
const found = document.querySelector("#found");
const filter = () => {
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const card of cards) {
    card.hidden = !words.every((word) => card.dataset.words.includes(word));
    shown += !card.hidden;
    const fold = card.closest("details.folded");
    if (fold && words.length && !card.hidden) fold.open = true;
  }
  found.textContent = `${shown} of ${cards.length} signatures`;
};
if (box) {
  document.querySelector("form.search").hidden = false;
  box.addEventListener("input", filter);
  document.querySelector("form.search").addEventListener("submit", (event) => event.preventDefault());
  filter();
}
