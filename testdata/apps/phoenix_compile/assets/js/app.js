const greeting = `Built by ${BUILT_BY}`
document.getElementById("greeting").textContent = greeting
