export { type Inventory, openInventory } from './open-inventory.ts'
export { openStorage, type Storage, type StorageOptions } from './open-storage.ts'
export { startRetention } from './retention.ts'
