// The kill switch of the page. It stands beside the application and needs nothing of it: when that is broken, this still works.
// Two presses within five seconds; the words of the engine, or what to do instead, stand beside the button.
(function () {
  "use strict";
  var ARMED_MS = 5000;
  var WITHIN_MS = 8000;
  var form = document.getElementById("kill");
  var button = document.getElementById("kill-button");
  var words = document.getElementById("kill-words");
  var armed = 0;
  var timer = 0;
  var key = "";

  function say(text, tone) {
    words.textContent = text;
    form.dataset.tone = tone;
  }

  function rest() {
    armed = 0;
    button.textContent = "Kill";
    if (form.dataset.tone === "armed") say("", "");
  }

  function arm() {
    armed = Date.now();
    key = "kill-" + armed + "-" + Math.random().toString(36).slice(2, 12);
    button.textContent = "Press again: KILL";
    say("Halts the engine: no entries until a person re-arms it; every stop stays at the exchange; nothing is closed.", "armed");
    window.clearTimeout(timer);
    timer = window.setTimeout(rest, ARMED_MS);
  }

  // An answer stays until the next press, so it says when it was given: a person may have lifted the halt since. India's time.
  function clock() {
    return new Date(Date.now() + 19800000).toISOString().slice(11, 19) + " ";
  }

  function instead(why) {
    say(clock() + "NOT DONE: " + why + " Run `otrade kill` in a terminal.", "bad");
  }

  function kill() {
    window.clearTimeout(timer);
    rest();
    say("Asking the engine to halt…", "busy");
    var ending = new AbortController();
    var late = window.setTimeout(function () {
      ending.abort();
    }, WITHIN_MS);
    var csrf = "";
    try {
      csrf = window.localStorage.getItem("otrade-csrf") || "";
    } catch (error) {
      // Without storage the engine says what is missing.
    }
    fetch("/api/v1/commands/kill", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf, "Idempotency-Key": key },
      body: "{}",
      signal: ending.signal,
    })
      .then(function (response) {
        return response.json().then(function (told) {
          if (response.ok) say(clock() + told.words, "done");
          else instead((told.detail || "the engine refused") + " " + (told.fix || ""));
        });
      })
      .catch(function () {
        if (ending.signal.aborted) say(clock() + "NOT KNOWN: no answer came in time. Run `otrade kill` in a terminal.", "bad");
        else instead("the engine does not answer.");
      })
      .finally(function () {
        window.clearTimeout(late);
      });
  }

  function press() {
    if (armed !== 0 && Date.now() - armed < ARMED_MS) kill();
    else arm();
  }

  form.addEventListener("submit", function (event) {
    event.preventDefault();
    press();
  });
  // Shift+K twice does the same; never while somebody writes.
  window.addEventListener(
    "keydown",
    function (event) {
      var at = event.target;
      var writes = at instanceof Element && at.closest("input, textarea, select, [contenteditable]") !== null;
      if (writes || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
      if (event.shiftKey && event.code === "KeyK") {
        event.preventDefault();
        press();
      }
    },
    true,
  );
})();
