// Puts a chosen file into the field of the table. It is sent with the form and not before.

const file = document.getElementById('file');

file?.addEventListener('change', async () => {
  const [chosen] = file.files;
  if (chosen) document.getElementById('table').value = await chosen.text();
});
