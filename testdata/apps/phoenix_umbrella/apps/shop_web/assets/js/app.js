import colocated from "phoenix-colocated/shop_web"

const greeting = colocated["ShopWeb.Page.greeting"]()
document.getElementById("greeting").textContent = greeting
