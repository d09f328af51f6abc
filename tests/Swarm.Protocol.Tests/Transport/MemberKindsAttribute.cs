using System.Reflection;
using Xunit.Sdk;

namespace Swarm.Protocol.Tests.Transport;

/// <summary>Runs a test once over each kind of transport that has credentials.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class MemberKindsAttribute : DataAttribute
{
    public override IEnumerable<object[]> GetData(MethodInfo testMethod) => [[TransportKind.GrpcMembers], [TransportKind.GrpcMembersWithoutLanes], [TransportKind.Lanes], [TransportKind.InMemoryMembers]];
}
