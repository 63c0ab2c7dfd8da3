import {Socket} from "phoenix"

const greeting = `JavaScript has run; ${new Socket("/live").describe()}`
document.getElementById("greeting").textContent = greeting
