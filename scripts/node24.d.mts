export declare const nodeFlags: readonly string[]
export declare function findNode24(): string | undefined
