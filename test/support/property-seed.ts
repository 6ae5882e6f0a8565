/**
 * Loaded before every test file: property tests take their cases from one seed, so that the same tree gives the same
 * result. `npm run test:properties` takes other seeds. A property that states its own keeps it.
 */
import fc from "fast-check";

const seed = Number(process.env.SLUICE_TEST_SEED ?? 20_261_120);
fc.configureGlobal({ seed });
