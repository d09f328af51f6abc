// Continues a prompt through a swarm:  dotnet run --project samples/Generate -- INVITE MODEL [PROMPT]
using Swarm.Client;

string invite = args[0];
string model = args[1];
string prompt = args.Length > 2 ? args[2] : "The capital of France is";

await using var swarm = await SwarmClient.ConnectAsync(new SwarmClientOptions { Invite = invite, Model = model });

Generation generation = swarm.GenerateAsync(prompt, new GenerationOptions { MaxTokens = 16 });
await foreach (GeneratedToken token in generation)
    Console.Write(token.Text);

Console.WriteLine();
foreach (HopFigures hop in generation.Result.Figures.Hops)
    Console.WriteLine($"blocks {hop.Blocks} at {hop.Address}: {hop.ComputeSeconds:0.000} s, sent on directly {hop.ForwardedDirectly} times");
