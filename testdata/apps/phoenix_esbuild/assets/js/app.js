import {Socket} from "phoenix"
import colocated from "phoenix-colocated/phoenix_esbuild"

const greeting = `${colocated["PhoenixEsbuildWeb.Page.greeting"]()}; ${new Socket("/live").describe()}`
document.getElementById("greeting").textContent = greeting
