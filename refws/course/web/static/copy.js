/* Text for the clipboard. A page that is reached over a network without TLS is no secure context,
   and has no navigator.clipboard. */

import { create } from "./words.js";

export function copyText(text) {
  const holder = create("textarea", "unseen");
  holder.value = text;
  document.body.append(holder);
  holder.select();
  document.execCommand("copy");
  holder.remove();
}

/* A button that copies what `text` gives, and says so. */
export function copyButton(words, text) {
  const button = create("button", "quiet", words);
  button.type = "button";
  button.addEventListener("click", () => {
    copyText(text());
    button.focus();
    button.textContent = `${words}: copied`;
  });
  return button;
}
