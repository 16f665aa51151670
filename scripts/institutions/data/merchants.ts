/** A chain of shops; its purchases carry its name and the number of a branch. */
export interface Merchant {
  readonly name: string;
  readonly category: string;
  readonly fromWon: number;
  readonly toWon: number;
}

/** Invented names whose words say the category, as rules of a classifier look for. More frequent ones stand more than once. */
export const merchants: readonly Merchant[] = [
  { name: "HANGANG COFFEE", category: "coffee", fromWon: 3_500, toWon: 12_000 },
  { name: "HANGANG COFFEE", category: "coffee", fromWon: 3_500, toWon: 12_000 },
  { name: "BUKCHON TEA CAFE", category: "coffee", fromWon: 4_500, toWon: 18_000 },
  { name: "MULGIL MART", category: "groceries", fromWon: 8_000, toWon: 140_000 },
  { name: "MULGIL MART", category: "groceries", fromWon: 8_000, toWon: 140_000 },
  { name: "HAENAM FARM MARKET", category: "groceries", fromWon: 12_000, toWon: 90_000 },
  { name: "STAR24 CONVENIENCE", category: "groceries", fromWon: 1_200, toWon: 22_000 },
  { name: "JEONJU BIBIMBAP RESTAURANT", category: "restaurants", fromWon: 9_000, toWon: 64_000 },
  { name: "BUSAN NOODLE HOUSE", category: "restaurants", fromWon: 8_000, toWon: 38_000 },
  { name: "GOLDEN CHICKEN DELIVERY", category: "restaurants", fromWon: 18_000, toWon: 45_000 },
  { name: "SEOUL METRO", category: "transport", fromWon: 1_400, toWon: 4_200 },
  { name: "NAMSAN TAXI", category: "transport", fromWon: 4_800, toWon: 42_000 },
  { name: "BLUE OIL FUEL STATION", category: "transport", fromWon: 30_000, toWon: 110_000 },
  { name: "HANOK BOOKSTORE", category: "education", fromWon: 9_000, toWon: 70_000 },
  { name: "CAMELLIA PHARMACY", category: "health", fromWon: 3_000, toWon: 40_000 },
  { name: "SEORAK DENTAL CLINIC", category: "health", fromWon: 15_000, toWon: 320_000 },
  { name: "DONGDAEMUN FASHION", category: "shopping", fromWon: 15_000, toWon: 240_000 },
  { name: "TIGER ELECTRONICS", category: "shopping", fromWon: 12_000, toWon: 900_000 },
  { name: "MOONLIGHT CINEMA", category: "entertainment", fromWon: 11_000, toWon: 48_000 },
];

/** What comes back every month, with one amount. */
export const recurring = {
  salary: { name: "SALARY HANBIT CO", category: "income" },
  rent: { name: "RENT DAEHAN HOUSING", category: "housing" },
  telephone: { name: "HANEUL TELECOM", category: "telecom" },
  subscription: { name: "WAVE STREAMING SUBSCRIPTION", category: "entertainment" },
  interest: { name: "INTEREST", category: "interest" },
  transfer: { name: "TRANSFER OWN ACCOUNT", category: "transfer" },
} as const;
