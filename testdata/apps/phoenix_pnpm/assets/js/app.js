const greeting = "JavaScript has run"
document.getElementById("greeting").textContent = greeting
