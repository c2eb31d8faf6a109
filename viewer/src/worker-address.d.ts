// Vite answers such an import with the address of a worker's script.
declare module "*?worker&url" {
  const address: string;
  export default address;
}
