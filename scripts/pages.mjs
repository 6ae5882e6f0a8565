// The pages that the code reads at run time: from its own folder, wherever it was compiled to.
export const PAGES = ["src/demo/home-page.html", "src/admin/overview.html"];
