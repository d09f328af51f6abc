using System.Reflection;
using Xunit.Sdk;

namespace Swarm.Protocol.Tests.Transport;

/// <summary>Runs a test once over each kind of transport.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class CombinatorialKindsAttribute : DataAttribute
{
    public override IEnumerable<object[]> GetData(MethodInfo testMethod) => Enum.GetValues<TransportKind>().Select(kind => new object[] { kind });
}
