import numpy as np, torch, zktorch
images, labels = (torch.from_numpy(np.load(f"models/digits_test/{name}.npy")) for name in ("images", "labels"))
net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
optimiser = torch.optim.Adam(net.parameters(), 1e-2)
for _ in range(200):
    optimiser.zero_grad()
    torch.nn.functional.cross_entropy(net(images[:300]), labels[:300]).backward()
    optimiser.step()
model = zktorch.compile(net, images[:300], output_names=["logits"])
proof = model.prove(images[300:301])
verdict = zktorch.verify(proof, model.verifying_key)
print(f"{verdict.status}: a {verdict.outputs['logits'].argmax()}, really {labels[300]}, in {len(proof):,} bytes")
