const cards = [...document.querySelectorAll("article.signature")];
const box = document.querySelector("#search");
const found = document.querySelector("#found");
const unstable = document.querySelector("#hide-unstable");
const filter = () => {
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const card of cards) {
    const text = card.dataset.words;
    const fits = words.every((word) => text.includes(word)) && !(unstable.checked && card.dataset.unstable);
    card.hidden = !fits;
    shown += fits;
  }
  found.textContent = `${shown} of ${cards.length} signatures`;
};
if (box) {
  document.querySelector("form.search").hidden = false;
  box.addEventListener("input", filter);
  unstable.addEventListener("change", filter);
  document.querySelector("form.search").addEventListener("submit", (event) => event.preventDefault());
  filter();
}
